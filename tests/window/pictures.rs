// Pictures of a window without a window: the same drawing, the same painter.

use egui::{Context, Event, Shape, Theme, pos2, vec2};
use std::{fs::File, io::BufWriter, path::PathBuf};
use visualcron_tray::window::{paint::Painter, style};

pub struct Painted {
    ctx: Context,
    painter: Painter,
    theme: Theme,
    points: [f32; 2],
    scale: f32,
    time: f64,
    pixels: Vec<u32>,
    texts: Vec<(String, egui::Rect, egui::Rect)>,
}

impl Painted {
    pub fn new(theme: Theme, points: [f32; 2], scale: f32) -> Self {
        let ctx = Context::default();
        style::apply(&ctx);
        let painter = Painter::default();
        Painted { ctx, painter, theme, points, scale, time: 0.0, pixels: vec![], texts: vec![] }
    }

    fn size(&self) -> [usize; 2] {
        self.points.map(|points| (points * self.scale) as usize)
    }

    /// One more picture, after these events.
    pub fn frame(&mut self, events: Vec<Event>, mut show: impl FnMut(&Context)) {
        self.time += 0.1;
        let mut input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(
                pos2(0.0, 0.0),
                vec2(self.points[0], self.points[1]),
            )),
            time: Some(self.time),
            system_theme: Some(self.theme),
            focused: true,
            events,
            ..Default::default()
        };
        input.viewports.entry(egui::ViewportId::ROOT).or_default().native_pixels_per_point = Some(self.scale);
        let mut output = self.ctx.run(input, |ctx| show(ctx));
        self.texts = output
            .shapes
            .iter()
            .filter_map(|clipped| match &clipped.shape {
                Shape::Text(text) => {
                    let rect = text.galley.rect.translate(text.pos.to_vec2());
                    Some((text.galley.text().to_string(), rect, clipped.clip_rect))
                }
                _ => None,
            })
            .collect();
        let [width, height] = self.size();
        self.pixels.resize(width * height, 0);
        self.painter.paint(&self.ctx, &mut output, &mut self.pixels, [width, height]);
    }

    /// How light each pixel is, from 0 to 255; with the size in pixels.
    pub fn gray(&self) -> ([usize; 2], Vec<u8>) {
        let gray = |pixel: &u32| {
            let [_, r, g, b] = pixel.to_be_bytes().map(u32::from);
            ((r + g + b) / 3) as u8
        };
        (self.size(), self.pixels.iter().map(gray).collect())
    }

    /// The texts that are painted.
    pub fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|(text, ..)| text.as_str()).collect()
    }

    /// Texts that go beyond the window to the left or right, or out of what they are in.
    pub fn outside(&self) -> Vec<&str> {
        let beyond = |rect: &egui::Rect, clip: &egui::Rect| {
            rect.left() < 0.0 || rect.right() > self.points[0] + 0.5 || rect.right() > clip.right() + 4.0
        };
        self.texts
            .iter()
            .filter(|(_, rect, clip)| beyond(rect, clip))
            .map(|(text, ..)| text.as_str())
            .collect()
    }

    /// Compares with the picture that is held. What is wrong, if anything.
    pub fn compare(&self, name: &str) -> Option<String> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/window");
        let held = folder.join(format!("{name}.png"));
        if std::env::var_os("UPDATE_PICTURES").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            self.write(&held);
            return None;
        }
        let Some((size, pixels)) = read(&held) else {
            return Some(format!("{} is missing: UPDATE_PICTURES=1 paints it", held.display()));
        };
        // By a hair: sums of floating point numbers may round otherwise on another processor.
        let differ = |a: u32, b: u32| {
            a.to_be_bytes().iter().zip(b.to_be_bytes()).skip(1).any(|(a, b)| a.abs_diff(b) > 3)
        };
        let mine = self.pixels.iter().map(|pixel| pixel & 0xFF_FFFF);
        let count = mine.zip(&pixels).filter(|(mine, held)| differ(*mine, **held)).count();
        if size == self.size() && count == 0 {
            return None;
        }
        let seen = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        self.write(&seen);
        let held = held.display();
        Some(format!("{held}: {count} pixels differ, {:?} to {size:?}; now {}", self.size(), seen.display()))
    }

    fn write(&self, path: &std::path::Path) {
        let [width, height] = self.size();
        let file = BufWriter::new(File::create(path).unwrap());
        let mut encoder = png::Encoder::new(file, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|pixel| pixel.to_be_bytes()[1..].to_vec()).collect();
        encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    }
}

fn read(path: &std::path::Path) -> Option<([usize; 2], Vec<u32>)> {
    let decoder = png::Decoder::new(std::io::BufReader::new(File::open(path).ok()?));
    let mut reader = decoder.read_info().ok()?;
    let mut bytes = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut bytes).ok()?;
    let pixels = bytes.chunks_exact(3).map(|rgb| u32::from_be_bytes([0, rgb[0], rgb[1], rgb[2]])).collect();
    Some(([info.width as usize, info.height as usize], pixels))
}
