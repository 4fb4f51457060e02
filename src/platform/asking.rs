//! Asks a host about many, several at once, in bounded time; whoever waits is told how far it is.

use crate::sources::validation_host::Failure;
use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// How many are asked about at the same time.
pub const AT_ONCE: usize = 16;
/// How many failures in a row mean that the host is down: one may be a matter of chance.
const STRIKES: u32 = 3;
/// How long one waits where the host asks for it (429 with Retry-After), instead of giving up.
const PUT_OFF: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The host gave none: to this question, or to those before it, so that it was not asked any more.
    Failed(Failure),
    /// It was not asked: the time for all of them was over.
    NoTime,
}

/// Is told how many of how many are through, from any thread.
pub type Tell<'t> = &'t (dyn Fn(usize, usize) + Sync);

/// Asks about each, within `whole` and the time for the last questions. What comes back is in their order.
pub fn about<S: Sync, A: Send + Sync>(
    all: &[S],
    whole: Duration,
    ask: impl Fn(&S) -> Result<A, Failure> + Sync,
    tell: Tell<'_>,
) -> Vec<Result<A, NoAnswer>> {
    let until = Instant::now() + whole;
    let left = || until.saturating_duration_since(Instant::now());
    let (next, through, strikes) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU32::new(0));
    let down: OnceLock<Failure> = OnceLock::new();
    let answers: Vec<Mutex<Option<Result<A, NoAnswer>>>> = all.iter().map(|_| Mutex::new(None)).collect();
    let once = |one: &S| loop {
        match ask(one) {
            Err(Failure::TooMany(Some(wait))) if wait <= PUT_OFF && wait < left() => std::thread::sleep(wait),
            answer => return answer,
        }
    };
    let work = || {
        loop {
            let index = next.fetch_add(1, SeqCst);
            let Some(one) = all.get(index) else { return };
            let answer = match down.get() {
                Some(failure) => Err(NoAnswer::Failed(failure.clone())),
                None if left().is_zero() => Err(NoAnswer::NoTime),
                None => once(one).map_err(NoAnswer::Failed),
            };
            match &answer {
                Ok(_) => strikes.store(0, SeqCst),
                Err(NoAnswer::NoTime) => {}
                Err(NoAnswer::Failed(failure)) => {
                    let is_down = match failure {
                        Failure::NotTrusted(_)
                        | Failure::NotSpoken(_)
                        | Failure::OtherVersion(_)
                        | Failure::TooMany(_) => true,
                        Failure::NotReached(_) | Failure::InTrouble(_) => {
                            strikes.fetch_add(1, SeqCst) + 1 >= STRIKES
                        }
                        Failure::Declined { .. } => false,
                    };
                    if is_down {
                        let _ = down.set(failure.clone());
                    }
                }
            }
            *answers[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            tell(through.fetch_add(1, SeqCst) + 1, all.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(all.len()) {
            scope.spawn(work);
        }
    });
    let answers =
        answers.into_iter().map(|answer| answer.into_inner().unwrap_or_else(PoisonError::into_inner));
    // Each index is taken once, and what is taken is answered.
    answers.map(|answer| answer.unwrap_or(Err(NoAnswer::NoTime))).collect()
}

/// Tells only now and then: not before the first `pause` is over, and once in each after that.
pub fn now_and_then(pause: Duration, tell: impl Fn(usize, usize) + Sync) -> impl Fn(usize, usize) + Sync {
    let told = Mutex::new(Instant::now());
    move |done, all| {
        // Whoever comes while another tells has nothing newer to say.
        if let Ok(mut told) = told.try_lock()
            && told.elapsed() >= pause
        {
            tell(done, all);
            *told = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: Duration = Duration::from_secs(60);

    fn ignore(_: usize, _: usize) {}

    #[test]
    fn all_are_asked_once_and_answered_in_their_order() {
        let all: Vec<usize> = (0..500).collect();
        let (asked, told) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let answers = about(
            &all,
            PLENTY,
            |n| {
                asked.fetch_add(1, SeqCst);
                Ok(n * 2)
            },
            &|done, all| told.lock().unwrap().push((done, all)),
        );
        assert_eq!(answers, all.iter().map(|n| Ok(n * 2)).collect::<Vec<_>>());
        assert_eq!(asked.into_inner(), 500);
        let mut told = told.into_inner().unwrap();
        told.sort_unstable();
        assert_eq!(told, (1..=500).map(|done| (done, 500)).collect::<Vec<_>>());
        assert_eq!(about(&[] as &[usize], PLENTY, |n| Ok(*n), &ignore), []);
    }

    #[test]
    fn one_that_fails_by_chance_stops_nobody_and_a_host_that_is_down_is_left_alone() {
        let all: Vec<usize> = (0..300).collect();
        let refused = || Failure::NotReached("connection refused".into());
        let answers = about(&all, PLENTY, |n| if n % 150 == 7 { Err(refused()) } else { Ok(()) }, &ignore);
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 298);
        for down in [refused(), Failure::NotSpoken("404".into()), Failure::InTrouble("502".into())] {
            let asked = AtomicUsize::new(0);
            let answers = about(
                &all,
                PLENTY,
                |_| {
                    asked.fetch_add(1, SeqCst);
                    Err::<(), _>(down.clone())
                },
                &ignore,
            );
            assert!(answers.iter().all(|answer| *answer == Err(NoAnswer::Failed(down.clone()))));
            assert!(asked.into_inner() <= STRIKES as usize + AT_ONCE, "{down:?}");
        }
        // What the host says of one license says nothing of the others.
        let declined = || Failure::Declined { name: "bad_request".into(), message: "no".into() };
        let answers = about(&all, PLENTY, |n| if n % 2 == 0 { Err(declined()) } else { Ok(()) }, &ignore);
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 150);
    }

    #[test]
    fn who_is_put_off_for_a_moment_comes_again_and_time_is_bounded() {
        let busy = AtomicUsize::new(20);
        let moment = Duration::from_millis(1);
        let take = || busy.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
        let put_off = |_: &usize| if take() { Err(Failure::TooMany(Some(moment))) } else { Ok(()) };
        assert!(about(&(0..100).collect::<Vec<_>>(), PLENTY, put_off, &ignore).iter().all(Result::is_ok));
        let hour = Failure::TooMany(Some(Duration::from_secs(3600)));
        let answers = about(&[0], PLENTY, |_| Err::<(), _>(hour.clone()), &ignore);
        assert_eq!(answers, [Err(NoAnswer::Failed(hour))]);
        assert_eq!(about(&[0], Duration::ZERO, |n| Ok(*n), &ignore), [Err(NoAnswer::NoTime)]);
    }

    #[test]
    fn a_moment_passes_before_anything_is_told() {
        let told = AtomicUsize::new(0);
        let never = now_and_then(PLENTY, |_, _| {
            told.fetch_add(1, SeqCst);
        });
        (0..100).for_each(|n| never(n, 100));
        assert_eq!(told.load(SeqCst), 0);
        let always = now_and_then(Duration::ZERO, |_, _| {
            told.fetch_add(1, SeqCst);
        });
        (0..100).for_each(|n| always(n, 100));
        assert_eq!(told.load(SeqCst), 100);
    }
}
