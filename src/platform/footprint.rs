//! Gives memory back when the start, or a look at the world, is over (Linux).
//!
//! Both run through most of the program once: parsing, D-Bus, files. What an idle tray needs of it is a fraction,
//! but the kernel keeps all of it mapped until memory is short. See docs/footprint.md.
#![allow(unsafe_code)]

use rustix::mm::{Advice, madvise};
use std::{ffi::c_void, fs};

/// Unmaps the program's own code and constants; what is used again comes back from the page cache by itself.
pub fn give_back() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    let Ok(program) = fs::read_link("/proc/self/exe") else { return };
    for (start, end) in unchangeable(&maps, &program.to_string_lossy()) {
        // SAFETY: the range is a private, read-only mapping of our own executable file. Its pages cannot be
        // dirty, so unmapping them loses nothing: the next use reads them from the same file.
        let _ = unsafe { madvise(start as *mut c_void, end - start, Advice::LinuxDontNeed) };
    }
}

/// The address ranges of `program`'s code (executable, not writable) and of the constants at its beginning. What else
/// is read-only may have been written before: addresses were put into it when the program was loaded.
fn unchangeable<'a>(maps: &'a str, program: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    maps.lines().filter_map(move |line| {
        let mut fields = line.split_whitespace();
        let (range, rights, offset) = (fields.next()?, fields.next()?, fields.next()?);
        let path = fields.nth(2)?;
        let (start, end) = range.split_once('-')?;
        let address = |hex| usize::from_str_radix(hex, 16).ok();
        let is_constant = rights == "r--p" && offset.bytes().all(|digit| digit == b'0');
        ((rights == "r-xp" || is_constant) && path == program).then_some((address(start)?, address(end)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_have_been_written() {
        let maps = "55d0a0000000-55d0a0010000 r--p 00000000 fe:00 77 /usr/bin/tray\n\
                    55d0a0010000-55d0a0400000 r-xp 00010000 fe:00 77 /usr/bin/tray\n\
                    55d0a0400000-55d0a0420000 r--p 00400000 fe:00 77 /usr/bin/tray\n\
                    55d0a0420000-55d0a0440000 rw-p 00400000 fe:00 77 /usr/bin/tray\n\
                    7f0000000000-7f0000100000 r-xp 00000000 fe:00 78 /usr/lib/libc.so.6\n\
                    7f0000200000-7f0000201000 r-xp 00000000 00:00 0 [vdso]\n";
        let found: Vec<_> = unchangeable(maps, "/usr/bin/tray").collect();
        assert_eq!(found, [(0x55d0_a000_0000, 0x55d0_a001_0000), (0x55d0_a001_0000, 0x55d0_a040_0000)]);
    }

    #[test]
    fn the_program_runs_on_without_its_code_mapped() {
        for _ in 0..3 {
            give_back();
            assert_eq!((1..=10).sum::<i32>(), 55);
        }
    }
}
