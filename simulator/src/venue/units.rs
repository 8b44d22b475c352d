//! The exchange's integers and their wire strings: prices in 1e-4 dollar, counts in 1e-2 contract, money in 1e-6 dollar.

/// A price in 1e-4 dollar, on the YES leg unless said otherwise.
pub type Price = i64;
/// Contracts in 1e-2.
pub type Count = i64;
/// Money in 1e-6 dollar.
pub type Micros = i64;

/// One dollar as a price.
pub const DOLLAR: Price = 10_000;
/// One contract's payout in money per 1e-2 contract: a dollar is 1e6 micros, so a hundredth of a contract pays 1e4.
pub const PAYOUT: Micros = 10_000;

/// Reads a decimal string as an integer of `10^-places`; `None` for anything else, or digits beyond `places`.
pub fn parse(text: &str, places: u32) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let places = usize::try_from(places).ok()?;
    if whole.is_empty() || !digits(whole) || !digits(fraction) || (text.contains('.') && fraction.is_empty())
    {
        return None;
    }
    let (kept, beyond) = fraction.split_at_checked(places).unwrap_or((fraction, ""));
    if beyond.bytes().any(|byte| byte != b'0') {
        return None;
    }
    format!("{whole}{kept:0<places$}").parse().ok()
}

fn write(units: i64, places: usize) -> String {
    let one = 10_u64.pow(u32::try_from(places).unwrap_or(0));
    let sign = if units < 0 { "-" } else { "" };
    let magnitude = units.unsigned_abs();
    format!("{sign}{}.{:0places$}", magnitude / one, magnitude % one)
}

pub fn price_text(price: Price) -> String {
    write(price, 4)
}

pub fn count_text(count: Count) -> String {
    write(count, 2)
}

pub fn money_text(micros: Micros) -> String {
    write(micros, 6)
}

/// RFC 3339 of a time in microseconds since the Unix epoch, trailing zeros dropped as the exchange does.
pub fn time_text(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us).map_or_else(|_| String::new(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::{count_text, parse, price_text, time_text};

    #[test]
    fn strings_are_exact_or_refused() {
        assert_eq!(parse("0.56", 4), Some(5600));
        assert_eq!(parse("10", 2), Some(1000));
        assert_eq!(parse("1.500", 2), Some(150));
        for bad in ["", ".5", "1.", "-1", "1.005", "1e2", "abc"] {
            assert_eq!(parse(bad, 2), None, "{bad}");
        }
        assert_eq!((price_text(5600), count_text(-305)), ("0.5600".into(), "-3.05".into()));
        assert_eq!(time_text(1_790_000_000_123_456), "2026-09-21T14:13:20.123456Z");
        assert_eq!(time_text(1_790_000_000_123_400), "2026-09-21T14:13:20.1234Z");
        assert_eq!(time_text(1_790_000_000_000_000), "2026-09-21T14:13:20Z");
    }
}
