//! Lines and columns of a text.

use std::path::Path;

/// Finds line and column of a byte offset.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    /// The line, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// The column in characters, from 1.
    pub(super) fn column(&self, offset: usize) -> usize {
        let start = self.start_of_line(offset);
        let end = (start..=offset.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at));
        self.text[start..end.unwrap_or(start)].chars().count() + 1
    }

    /// Where the line of this offset starts.
    pub(super) fn start_of_line(&self, offset: usize) -> usize {
        self.starts[self.line(offset) - 1]
    }

    /// Where the next line starts; the end of the text for the last line.
    pub(super) fn end_of_line(&self, offset: usize) -> usize {
        self.starts.get(self.line(offset)).copied().unwrap_or(self.text.len())
    }

    /// The place for people: `settings.toml, line 3, column 7`.
    pub(super) fn place(&self, path: &Path, offset: usize) -> String {
        format!("{}, line {}, column {}", path.display(), self.line(offset), self.column(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\r\näöü = 1\n";
        let lines = Lines::new(text);
        let at = text.find('=').unwrap();
        assert_eq!(lines.place(Path::new("s.toml"), at), "s.toml, line 2, column 5");
        assert_eq!(lines.place(Path::new("s.toml"), text.len()), "s.toml, line 3, column 1");
        assert_eq!((lines.start_of_line(at), lines.end_of_line(at)), (3, text.len()));
        assert_eq!(lines.column(4), 1); // inside the first letter of line 2
        assert_eq!(lines.column(9999), 1);
    }
}
