//! QR codes of the manual carrier, as SVG, as text for a terminal, and as modules for whoever paints.

use super::text::{Carries, payload};
use qrcode::{
    Color, EcLevel, QrCode,
    render::{svg, unicode},
};

/// A QR code.
#[derive(Clone)]
pub struct Qr(QrCode);

impl Qr {
    /// The QR code of a request or a token. `None` if it is too long for one: 4,296 characters, some 2,600 bytes.
    pub fn new(carries: Carries, content: &[u8]) -> Option<Qr> {
        let payload = payload(carries, content);
        [EcLevel::M, EcLevel::L]
            .into_iter()
            .find_map(|level| QrCode::with_error_correction_level(&payload, level).ok())
            .map(Qr)
    }

    /// How many modules it has on a side, without the margin of four around it.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// Whether the module in this column and row is dark.
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        self.0[(column, row)] == Color::Dark
    }

    /// As an SVG image, dark on white, with its margin.
    pub fn svg(&self) -> String {
        self.0.render::<svg::Color<'_>>().module_dimensions(4, 4).build()
    }

    /// As lines for a terminal, two rows of modules in each, with its margin. A terminal is dark, so light modules are
    /// the ones that are drawn.
    pub fn terminal(&self) -> String {
        let (light, dark) = (unicode::Dense1x2::Light, unicode::Dense1x2::Dark);
        let mut text = self.0.render::<unicode::Dense1x2>().dark_color(light).light_color(dark).build();
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::validation::token_tests::{claims, key};

    #[test]
    fn an_answer_fits_and_is_drawn() {
        let token = key(1).sign(&claims()).unwrap();
        let qr = Qr::new(Carries::Answer, token.as_bytes()).unwrap();
        assert!(qr.width() <= 125, "{}", qr.width());
        assert!(qr.is_dark(0, 0) && !qr.is_dark(1, 1));
        assert!(qr.svg().contains("<svg") && qr.svg().contains("#fff"));
        let lines: Vec<String> = qr.terminal().lines().map(str::to_string).collect();
        assert!(lines.iter().all(|line| line.chars().count() == qr.width() + 8));
        assert_eq!(lines.len(), (qr.width() + 8).div_ceil(2));
        assert!(Qr::new(Carries::Answer, &[b'a'; 4000]).is_none());
    }
}
