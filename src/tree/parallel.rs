//! Applies a function to many items on all processors.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Number of items that a thread takes at once: few enough that all threads finish together, enough that taking is
/// cheap.
const SHARE: usize = 64;

/// Applies `work` to each item, and returns the results in the order of the items.
pub(super) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let shares = things.len().div_ceil(SHARE);
    // Querying the parallelism opens some files, which does not pay for a few items.
    let threads = if shares > 1 {
        thread::available_parallelism().map_or(1, NonZero::get)
    } else {
        1
    };
    let taken = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let share = taken.fetch_add(1, Ordering::Relaxed);
            let Some(things) = things.chunks(SHARE).nth(share) else {
                return done;
            };
            done.push((share, things.iter().map(&work).collect::<Vec<R>>()));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(shares))
            .map(|_| scope.spawn(take))
            .collect();
        let mut done = take();
        for other in others {
            let theirs = other.join();
            done.extend(theirs.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(share, _)| *share);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_in_order() {
        for count in [0, 1, SHARE, SHARE + 1, 10 * SHARE + 7] {
            let things: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = things.iter().map(|thing| thing * 2).collect();
            assert_eq!(map(&things, |thing| thing * 2), expected);
        }
    }
}
