//! The pictures of the states, drawn in `assets/svg` and made by `assets/make-icons.sh`.

use crate::app::Icon;

/// The size of the picture that the tray shows on this system, in pixels. On Windows it depends on the scaling
/// of the screen that the taskbar is on, which may change at any time.
pub fn size() -> u32 {
    #[cfg(windows)]
    return crate::platform::windows::small_icon_pixels();
    #[cfg(not(windows))]
    if cfg!(target_os = "linux") { 48 } else { 32 }
}

macro_rules! pictures {
    ($($state:ident $name:literal),*) => {
        /// The PNG of a state, 16, 20, 24, 32 or 48 pixels wide, whichever is the largest that is not larger than `size`.
        pub fn png(icon: Icon, size: u32) -> &'static [u8] {
            match (icon, size) {
                $((Icon::$state, 48..) => include_bytes!(concat!("../../../assets/png/", $name, "-48.png")),
                (Icon::$state, 32..) => include_bytes!(concat!("../../../assets/png/", $name, "-32.png")),
                (Icon::$state, 24..) => include_bytes!(concat!("../../../assets/png/", $name, "-24.png")),
                (Icon::$state, 20..) => include_bytes!(concat!("../../../assets/png/", $name, "-20.png")),
                (Icon::$state, _) => include_bytes!(concat!("../../../assets/png/", $name, "-16.png")),)*
            }
        }
    };
}

pictures!(
    Fine "fine", Notice "notice", Expired "expired", Disconnected "disconnected", Unknown "unknown", Busy "busy"
);

/// The icon of a state for the tray. `None` only if the shipped picture could not be decoded.
pub fn icon(icon: Icon) -> Option<tray_icon::Icon> {
    let (rgba, width, height) = rgba(png(icon, size()))?;
    tray_icon::Icon::from_rgba(rgba, width, height).ok()
}

fn rgba(picture: &[u8]) -> Option<(Vec<u8>, u32, u32)> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().ok()?;
    let mut rgba = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut rgba).ok()?;
    (info.color_type == png::ColorType::Rgba).then_some((rgba, info.width, info.height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_picture_of_each_size() {
        use Icon::*;
        for state in [Fine, Notice, Expired, Disconnected, Unknown, Busy] {
            for (asked, given) in
                [(8, 16), (16, 16), (20, 20), (24, 24), (32, 32), (40, 32), (48, 48), (256, 48)]
            {
                let (rgba, width, height) = rgba(png(state, asked)).unwrap();
                assert_eq!(
                    (width, height, rgba.len()),
                    (given, given, (given * given * 4) as usize),
                    "{state:?}"
                );
            }
            assert!(icon(state).is_some());
        }
    }

    /// How bright sRGB is, as WCAG 2.2 defines it.
    fn luminance(color: [f64; 3]) -> f64 {
        let linear = color.map(|part| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    /// On whatever ground, one fifth of each picture stands out as WCAG 2.2 asks of graphics (1.4.11): 3 to 1.
    #[test]
    fn every_picture_is_seen_on_a_light_and_on_a_dark_taskbar() {
        use Icon::*;
        for ground in [0x10, 0x20, 0xE4, 0xF3].map(f64::from) {
            for (state, size) in [Fine, Notice, Expired, Disconnected, Unknown, Busy]
                .into_iter()
                .flat_map(|state| [16, 20, 24, 32, 48].map(|size| (state, size)))
            {
                let (rgba, ..) = rgba(png(state, size)).unwrap();
                let (mut solid, mut seen) = (0, 0);
                for pixel in rgba.chunks_exact(4).filter(|pixel| pixel[3] > 127) {
                    let alpha = f64::from(pixel[3]) / 255.0;
                    let over = |part: u8| f64::from(part) * alpha + ground * (1.0 - alpha);
                    let (a, b) =
                        (luminance([over(pixel[0]), over(pixel[1]), over(pixel[2])]), luminance([ground; 3]));
                    solid += 1;
                    seen += usize::from((a.max(b) + 0.05) / (a.min(b) + 0.05) >= 3.0);
                }
                assert!(
                    seen * 5 >= solid && solid > 0,
                    "{state:?}, {size} pixels, on {ground}: {seen} of {solid}"
                );
            }
        }
    }
}
