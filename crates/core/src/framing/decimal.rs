//! `Decimal`: a length in decimal digits, as some framings announce it.

/// The digits of a number, without allocating.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal {
    digits: [u8; Self::MOST],
    from: usize,
}

impl Decimal {
    /// As many digits as the largest length has.
    pub(super) const MOST: usize = usize::MAX.ilog10() as usize + 1;

    pub(super) fn new(mut number: usize) -> Self {
        let mut decimal = Self { digits: [b'0'; Self::MOST], from: Self::MOST };
        for (at, digit) in decimal.digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (number % 10) as u8;
            decimal.from = at;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        decimal
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.from..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written() {
        for number in [0, 1, 9, 10, 99, 100, 4096, u32::MAX as usize, usize::MAX - 1, usize::MAX] {
            assert_eq!(Decimal::new(number).as_bytes(), number.to_string().as_bytes());
        }
    }
}
