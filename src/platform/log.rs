//! Our log: one file, and one older one, bounded in bytes together.

use std::{
    fs::File,
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A log file that becomes `NAME.1` when it has grown to half of the allowed bytes.
struct Rolling {
    path: PathBuf,
    half: u64,
    file: Option<File>,
    written: u64,
    ended: bool,
}

impl Rolling {
    fn write_line(&mut self, line: &[u8]) -> std::io::Result<()> {
        if self.ended {
            return Ok(());
        }
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                let _ = crate::store::atomic::create_folder(folder);
            }
            let file = self.open()?;
            self.written = file.metadata()?.len();
            self.file = Some(file);
        }
        if self.written + line.len() as u64 > self.half && self.written > 0 {
            self.file = None;
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            self.file = Some(self.open()?);
            self.written = 0;
        }
        let line = &line[..line.len().min(self.half as usize)];
        if let Some(file) = &mut self.file {
            file.write_all(line)?;
            self.written += line.len() as u64;
        }
        Ok(())
    }

    fn open(&self) -> std::io::Result<File> {
        super::private::open(File::options().create(true).append(true), &self.path)
    }
}

#[derive(Clone)]
struct Writer(Arc<Mutex<Rolling>>);

impl Write for Writer {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        // A log that cannot be written must not stop what it tells of.
        if let Ok(mut rolling) = self.0.lock() {
            let _ = rolling.write_line(buffer);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        self.clone()
    }
}

static WRITER: OnceLock<Writer> = OnceLock::new();

/// Logs no more, and closes the file: on Windows the folder of an open file cannot be removed.
pub fn end() {
    if let Some(mut rolling) = WRITER.get().and_then(|writer| writer.0.lock().ok()) {
        rolling.ended = true;
        rolling.file = None;
    }
}

/// Logs to `path` from now on, at most `max_kib` kibibytes in two files.
pub fn start(path: PathBuf, max_kib: u32, level: LevelFilter) {
    let half = u64::from(max_kib).max(2) * 1024 / 2;
    let writer = Writer(Arc::new(Mutex::new(Rolling { path, half, file: None, written: 0, ended: false })));
    let _ = WRITER.set(writer.clone());
    let subscriber = tracing_subscriber::fmt()
        .with_writer(writer)
        .with_ansi(false)
        .with_target(false)
        .with_max_level(level)
        .finish();
    // Fails only where a log has been started already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("log/tray.log");
        let mut rolling = Rolling { path: path.clone(), half: 1000, file: None, written: 0, ended: false };
        for n in 0..500 {
            rolling.write_line(format!("line {n}\n").as_bytes()).unwrap();
        }
        rolling.write_line(&[b'x'; 5000]).unwrap();
        let size = |path: PathBuf| std::fs::metadata(path).unwrap().len();
        assert!(size(path.clone()) <= 1000);
        assert!(size(path.with_extension("log.1")) <= 1000);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
    }
}
