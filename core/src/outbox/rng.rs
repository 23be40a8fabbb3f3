//! A small seeded generator for jitter. Not for secrets, and not for event ids.

/// SplitMix64: one addition and three mixing steps, full period, any seed will do.
#[derive(Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// A number from 0 to `end - 1`; 0 when `end` is 0. The bias of the multiplication is below 2^-32 for spans of
    /// milliseconds and does not matter for jitter.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_numbers_within_bounds() {
        let (mut one, mut two) = (Rng::new(7), Rng::new(7));
        for end in [0, 1, 2, 1_000, u64::MAX] {
            let number = one.below(end);
            assert_eq!(number, two.below(end));
            assert!(number < end.max(1));
        }
    }
}
