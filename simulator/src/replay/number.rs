//! Decimal strings of recorded messages, read into integers and never through floats.

/// A price in 1e-4 dollars: 0 to 10,000.
pub(super) type Price = u16;
/// A count of contracts in 1e-2 contracts, signed where it is a change.
pub(super) type Count = i64;

/// One dollar in the unit of [`Price`].
pub(super) const DOLLAR: Price = 10_000;

/// Reads a price; none if it is no decimal of at most four places between 0 and 1.
pub(super) fn parse_price(text: &str) -> Option<Price> {
    let units = parse_decimal(text, 4)?;
    Price::try_from(units).ok().filter(|price| *price <= DOLLAR)
}

/// Reads a count or a change of a count.
pub(super) fn parse_count(text: &str) -> Option<Count> {
    parse_decimal(text, 2)
}

/// Returns the price with four decimals, as the exchange prints it.
pub(crate) fn format_price(price: Price) -> String {
    format!("{}.{:04}", price / DOLLAR, price % DOLLAR)
}

/// Returns the count with two decimals, as the exchange prints it.
pub(crate) fn format_count(count: Count) -> String {
    let sign = if count < 0 { "-" } else { "" };
    let magnitude = count.unsigned_abs();
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

fn parse_decimal(text: &str, places: usize) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || (digits.contains('.') && fraction.is_empty()) {
        return None;
    }
    let kept = fraction.get(..places.min(fraction.len()))?;
    let dropped = fraction.get(kept.len()..)?;
    if dropped.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let padding = places - kept.len();
    let mut units: i64 = 0;
    for byte in whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', padding)) {
        if !byte.is_ascii_digit() {
            return None;
        }
        units = units.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
    }
    Some(if negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        for (text, price) in
            [("0.4700", 4700), ("0.47", 4700), ("1", 10_000), ("0.0010", 10), ("0.47000", 4700)]
        {
            assert_eq!(parse_price(text), Some(price), "{text}");
        }
        for text in ["", ".", "0.", ".5", "-0.1", "1.0001", "0.47001", "0,47", "4e-1", "NaN", "0.4x"] {
            assert_eq!(parse_price(text), None, "{text}");
        }
        for (text, count) in [("-3.00", -300), ("1406474.86", 140_647_486), ("0.01", 1), ("12", 1200)] {
            assert_eq!(parse_count(text), Some(count), "{text}");
        }
        assert_eq!(parse_count("99999999999999999999"), None);
    }

    #[test]
    fn integers_are_printed_as_the_exchange_prints_them() {
        assert_eq!(format_price(4700), "0.4700");
        assert_eq!(format_price(10_000), "1.0000");
        assert_eq!(format_count(-305), "-3.05");
    }
}
