//! Paints by the CPU, the same on the screen and in the pictures of the tests.

use egui::Context;
use egui_software_backend::{BufferMutRef, ColorFieldOrder, EguiSoftwareRender};

/// Paints, and keeps the textures (in our case: the letters) from one picture to the next.
pub struct Painter {
    render: EguiSoftwareRender,
}

impl Default for Painter {
    fn default() -> Self {
        // The renderer's cache of what was painted pays for pictures that hardly change, with memory; a window of
        // ours is painted in a few milliseconds without it.
        Painter { render: EguiSoftwareRender::new(ColorFieldOrder::Bgra).with_caching(false) }
    }
}

impl Painter {
    /// Paints into these pixels, `0x00RRGGBB` each, row by row from the top. Takes what is to be painted out of
    /// `output`.
    pub fn paint(
        &mut self,
        ctx: &Context,
        output: &mut egui::FullOutput,
        pixels: &mut [u32],
        [width, height]: [usize; 2],
    ) {
        let scale = output.pixels_per_point;
        let shapes = ctx.tessellate(std::mem::take(&mut output.shapes), scale);
        pixels.fill(0);
        let mut target = BufferMutRef::new(bytemuck::cast_slice_mut(pixels), width, height);
        self.render.render(&mut target, &shapes, &output.textures_delta, scale);
        output.textures_delta.clear();
    }
}
