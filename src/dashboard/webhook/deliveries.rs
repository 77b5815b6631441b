//! Deliveries that were already received.

use std::collections::{HashSet, VecDeque};

/// How many marks are remembered: some days of pushes to a busy repository.
const KEPT: usize = 4096;

/// The maximum length of a remembered mark; those of forges have 36 or 64 characters.
const LONGEST: usize = 128;

/// Remembers the marks of the last deliveries; the oldest are dropped first.
#[derive(Debug, Default)]
pub struct Deliveries {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Deliveries {
    /// Records the marks of a delivery, and returns whether all of them were new.
    pub fn is_new(&mut self, marks: &[String]) -> bool {
        let mut new = true;
        for mark in marks {
            let mark: String = mark.chars().take(LONGEST).collect();
            if self.known.insert(mark.clone()) {
                self.order.push_back(mark);
            } else {
                new = false;
            }
        }
        while self.order.len() > KEPT {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_delivery_is_new_once() {
        let mut deliveries = Deliveries::default();
        assert!(deliveries.is_new(&marks(&["id 1", "signature 1"])));
        assert!(!deliveries.is_new(&marks(&["id 1", "signature 2"])));
        assert!(!deliveries.is_new(&marks(&["id 3", "signature 1"])));
        assert!(deliveries.is_new(&marks(&["id 4"])));
        assert!(
            deliveries.is_new(&marks(&[])),
            "without a mark it cannot be determined"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut deliveries = Deliveries::default();
        for number in 0..3 * KEPT {
            assert!(deliveries.is_new(&[format!("{number}{}", "x".repeat(1000))]));
        }
        assert_eq!(deliveries.known.len(), KEPT);
        assert_eq!(deliveries.order.len(), KEPT);
        assert!(deliveries.known.iter().all(|mark| mark.len() <= LONGEST));
    }
}
