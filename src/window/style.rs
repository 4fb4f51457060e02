//! Colours, fonts and spacing, light and dark. One accent colour; nothing is told by colour alone.

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke, TextStyle, Theme,
    Visuals, vec2,
};
use std::sync::Arc;

/// The size of plain text, in points.
pub const BODY: f32 = 14.0;
/// The size of what is said beside the matter.
pub const SMALL: f32 = 13.0;
/// The size of a section's heading.
pub const HEADING: f32 = 15.0;
/// The size of a window's headline.
pub const TITLE: f32 = 22.0;
/// From the window's edge to what is in it, in points.
pub const EDGE: i8 = 28;
/// Between one section and the next.
pub const GAP: f32 = 16.0;
/// Between lines that belong together.
pub const LINE: f32 = 10.0;
/// How round a button is; cards are rounder by 2.
pub const ROUND: u8 = 6;

/// The colours of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Behind everything.
    pub ground: Color32,
    /// Of a card that lies on it.
    pub card: Color32,
    /// Around cards, between rows.
    pub line: Color32,
    /// Around what can be pressed.
    pub edge: Color32,
    /// What is to be read.
    pub text: Color32,
    /// What is said beside the matter.
    pub quiet: Color32,
    /// What is to be done, where the focus is, what is done.
    pub accent: Color32,
    /// The accent below the pointer.
    pub accent_hover: Color32,
    /// On the accent.
    pub on_accent: Color32,
    /// Of a button that is not the main one, below the pointer.
    pub hover: Color32,
    /// What needs a look.
    pub caution: Color32,
    /// What failed.
    pub danger: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// By day.
pub const LIGHT: Palette = Palette {
    ground: rgb(0xF5F6F8),
    card: rgb(0xFFFFFF),
    line: rgb(0xE1E4E9),
    edge: rgb(0x868E99),
    text: rgb(0x1B1F26),
    quiet: rgb(0x545C68),
    accent: rgb(0x1E5FBF),
    accent_hover: rgb(0x184E9F),
    on_accent: rgb(0xFFFFFF),
    hover: rgb(0xEBEEF3),
    caution: rgb(0x8F5600),
    danger: rgb(0xB3261E),
};

/// By night.
pub const DARK: Palette = Palette {
    ground: rgb(0x17191D),
    card: rgb(0x202329),
    line: rgb(0x333841),
    edge: rgb(0x7C8592),
    text: rgb(0xE9EBEF),
    quiet: rgb(0xA9B0BB),
    accent: rgb(0x7DB0FF),
    accent_hover: rgb(0x9CC3FF),
    on_accent: rgb(0x0B1B33),
    hover: rgb(0x2C3139),
    caution: rgb(0xF0B35A),
    danger: rgb(0xFF8A80),
};

/// The colours of the theme that is on.
pub fn palette(ctx: &egui::Context) -> &'static Palette {
    of(ctx.theme())
}

fn of(theme: Theme) -> &'static Palette {
    match theme {
        Theme::Light => &LIGHT,
        Theme::Dark => &DARK,
    }
}

/// The family of headings and of what is to be done.
pub fn strong() -> FontFamily {
    FontFamily::Name("strong".into())
}

/// A heading's font of this size.
pub fn strong_font(size: f32) -> FontId {
    FontId::new(size, strong())
}

/// A plain font of this size.
pub fn plain_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Sets fonts, colours and spacing for both themes.
pub fn apply(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    for theme in [Theme::Light, Theme::Dark] {
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(theme);
            style.text_styles = [
                (TextStyle::Small, plain_font(SMALL)),
                (TextStyle::Body, plain_font(BODY)),
                (TextStyle::Button, plain_font(BODY)),
                (TextStyle::Monospace, plain_font(BODY)),
                (TextStyle::Heading, strong_font(HEADING)),
            ]
            .into();
            // Nothing moves by itself: over RDP each step of a transition is a picture on the wire.
            style.animation_time = 0.0;
            style.scroll_animation = egui::style::ScrollAnimation::none();
            style.interaction.selectable_labels = false;
            style.spacing.item_spacing = vec2(10.0, 6.0);
            style.spacing.button_padding = vec2(10.0, 5.0);
            style.spacing.interact_size = vec2(32.0, 26.0);
            style.spacing.icon_width = 18.0;
            style.spacing.icon_width_inner = 10.0;
            style.spacing.icon_spacing = 10.0;
            // The bar lies in the margin, and what is in the window keeps its width.
            style.spacing.scroll = egui::style::ScrollStyle {
                floating_allocated_width: 0.0,
                ..egui::style::ScrollStyle::thin()
            };
        });
    }
}

fn visuals(theme: Theme) -> Visuals {
    let p = of(theme);
    let mut visuals = match theme {
        Theme::Light => Visuals::light(),
        Theme::Dark => Visuals::dark(),
    };
    visuals.panel_fill = p.ground;
    visuals.window_fill = p.card;
    visuals.extreme_bg_color = p.card;
    visuals.text_edit_bg_color = Some(p.card);
    visuals.faint_bg_color = p.hover;
    visuals.hyperlink_color = p.accent;
    visuals.warn_fg_color = p.caution;
    visuals.error_fg_color = p.danger;
    visuals.weak_text_color = Some(p.quiet);
    visuals.selection.bg_fill = p.accent.gamma_multiply(0.3);
    visuals.selection.stroke = Stroke::new(1.0, p.text);
    visuals.text_cursor.blink = false;
    visuals.clip_rect_margin = 0.0;
    let round = CornerRadius::same(ROUND - 2);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.fg_stroke = Stroke::new(1.0, p.text);
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, p.line);
    for (state, fill, edge) in [
        (&mut widgets.inactive, p.card, p.edge),
        (&mut widgets.hovered, p.hover, p.edge),
        (&mut widgets.active, p.hover, p.accent),
        (&mut widgets.open, p.hover, p.edge),
    ] {
        state.bg_fill = fill;
        state.weak_bg_fill = fill;
        state.bg_stroke = Stroke::new(1.0, edge);
        state.fg_stroke = Stroke::new(1.6, p.text);
        state.corner_radius = round;
        state.expansion = 0.0;
    }
    visuals
}

/// Inter (SIL Open Font License), cut down to the characters that are needed: `assets/fonts`.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let mut add = |name: &str, data: &'static [u8]| {
        fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(data)));
        name.to_string()
    };
    let plain = add("Inter", include_bytes!("../../assets/fonts/Inter-Regular.otf"));
    let heavy = add("Inter SemiBold", include_bytes!("../../assets/fonts/Inter-SemiBold.otf"));
    fonts.families.insert(FontFamily::Proportional, vec![plain.clone()]);
    fonts.families.insert(FontFamily::Monospace, vec![plain.clone()]);
    fonts.families.insert(strong(), vec![heavy, plain]);
    fonts
}

/// The margin around what is in a window.
pub fn edge() -> Margin {
    Margin::symmetric(EDGE, 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two colours by WCAG 2, from 1 to 21.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let light = |c: Color32| {
            let linear = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
        };
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn what_is_to_be_read_stands_out_as_wcag_aa_asks() {
        for p in [&LIGHT, &DARK] {
            for behind in [p.ground, p.card, p.hover] {
                for text in [p.text, p.quiet, p.accent, p.caution, p.danger] {
                    assert!(
                        contrast(text, behind) >= 4.5,
                        "{text:?} on {behind:?}: {}",
                        contrast(text, behind)
                    );
                }
                let ring = contrast(p.accent, behind);
                assert!(ring >= 3.0, "focus ring on {behind:?}: {ring}");
            }
            assert!(contrast(p.on_accent, p.accent) >= 4.5 && contrast(p.on_accent, p.accent_hover) >= 4.5);
            assert!(contrast(p.edge, p.card) >= 3.0 && contrast(p.edge, p.ground) >= 3.0);
        }
    }
}
