//! Is it still at work? Says so on stderr, once something takes longer than a second.

use std::{
    io::{self, IsTerminal as _, Write},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::output::printed;

/// The time after which somebody who waits is told what the command does.
const PATIENCE: Duration = Duration::from_secs(1);

/// Does `work`, and tells whoever waits at a terminal that it goes on. Logs and scripts see nothing of it.
pub fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    told(&|| printed(what), PATIENCE, &mut io::stderr(), work)
}

/// The same for work of many parts, which counts those that are done.
pub fn counting<T>(what: &str, total: usize, work: impl FnOnce(&AtomicUsize) -> T) -> T {
    let done = AtomicUsize::new(0);
    if !io::stderr().is_terminal() {
        return work(&done);
    }
    let line = || format!("{}: {} of {total}", printed(what), done.load(Ordering::Relaxed));
    told(&line, PATIENCE, &mut io::stderr(), || work(&done))
}

/// Writes a line whenever as much time has passed again as until the line before, so that long work makes few lines.
fn told<T>(
    what: &(dyn Fn() -> String + Sync),
    patience: Duration,
    to: &mut (impl Write + Send),
    work: impl FnOnce() -> T,
) -> T {
    thread::scope(|scope| {
        // Nothing is ever sent: whoever waits hears that the other end is gone.
        let (working, done) = channel::<()>();
        scope.spawn(move || {
            let started = Instant::now();
            let mut wait = patience;
            while done.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = started.elapsed();
                // Where nobody can be told there is nothing to do about it.
                let _ = to.write_all(format!("{} ... {:.0} s\n", what(), wait.as_secs_f64()).as_bytes());
            }
        });
        let result = work();
        drop(working);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::Sender;

    /// Passes on each line that is written, through a channel.
    struct Lines(Sender<String>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_long_work_is_told() {
        let (to, lines) = channel();
        let long_enough = Duration::from_secs(3_600);
        assert_eq!(told(&|| "counting".to_owned(), long_enough, &mut Lines(to.clone()), || 3), 3);
        assert!(lines.try_recv().is_err(), "short work is done before anybody asks");

        // This work ends when it was told of twice.
        let twice = || [lines.recv(), lines.recv()];
        let written = told(&|| "counting".to_owned(), Duration::from_millis(1), &mut Lines(to), twice);
        assert_eq!(written, [Ok("counting ... 0 s\n".to_owned()), Ok("counting ... 0 s\n".to_owned())]);
    }
}
