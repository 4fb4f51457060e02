//! A QR code, as a camera wants it: black on white by day and by night, with its margin, each module of whole pixels.

use crate::domain::validation::qr::Qr;
use egui::{Color32, Mesh, Rect, Sense, Shape, Ui, Vec2, WidgetInfo, WidgetType, pos2, vec2};

/// The margin of a QR code, in modules: the standard asks for four.
const MARGIN: usize = 4;
/// How large a module is, in points: the largest of these that there is room for, else the last, and it scrolls.
const SIZES: [f32; 2] = [4.0, 3.0];

/// Shows the code, by this name for who does not see it. With `look` it comes into sight.
pub fn show(ui: &mut Ui, code: &Qr, name: &str, look: bool) {
    let scale = ui.pixels_per_point();
    let modules = code.width() + 2 * MARGIN;
    let side = |points: f32| (points * scale).round() * modules as f32 / scale;
    let fits = |points: &f32| side(*points) <= ui.available_width();
    let points = SIZES.into_iter().find(fits).unwrap_or(SIZES[SIZES.len() - 1]);
    let pixels = (points * scale).round();
    let area = egui::ScrollArea::horizontal().id_salt("code").auto_shrink([false, true]);
    let shown = area.show(ui, |ui| {
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(side(points)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(WidgetType::Image, true, name));
        ui.painter().add(Shape::mesh(mesh(code, rect.min.to_vec2(), pixels, scale)));
        rect
    });
    if look {
        ui.scroll_to_rect(shown.inner.expand(8.0), None);
    }
}

/// The code from this corner on: plain rectangles from pixel to pixel, so that no edge is blurred.
fn mesh(code: &Qr, corner: Vec2, module: f32, scale: f32) -> Mesh {
    let corner = (corner * scale).round();
    let block = |column: usize, row: usize, width: usize, height: usize| {
        let at = corner + vec2(column as f32, row as f32) * module;
        let size = vec2(width as f32, height as f32) * module;
        Rect::from_min_size(pos2(at.x, at.y) / scale, size / scale)
    };
    let mut mesh = Mesh::default();
    let all = code.width() + 2 * MARGIN;
    mesh.add_colored_rect(block(0, 0, all, all), Color32::WHITE);
    for row in 0..code.width() {
        let mut column = 0;
        while column < code.width() {
            let dark = (column..code.width()).take_while(|at| code.is_dark(*at, row)).count();
            if dark > 0 {
                mesh.add_colored_rect(block(column + MARGIN, row + MARGIN, dark, 1), Color32::BLACK);
            }
            column += dark + 1;
        }
    }
    mesh
}
