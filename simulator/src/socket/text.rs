//! Appends values to JSON text in the forms of the exchange, without allocating.

use std::io::Write as _;

/// Appends formatted text. Writing into a vector cannot fail.
macro_rules! push {
    ($to:expr, $($arg:tt)*) => {{ let _ = write!($to, $($arg)*); }};
}
pub(super) use push;

/// Appends a JSON string.
pub(crate) fn push_json_str(to: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(to, text);
}

/// Appends `,"key":"text"` with the text escaped.
pub(crate) fn push_member(to: &mut Vec<u8>, key: &str, text: &str) {
    push!(to, r#","{key}":"#);
    push_json_str(to, text);
}

/// Appends a price in 1e-4 dollars with four decimals.
pub(crate) fn push_price(to: &mut Vec<u8>, price: i64) {
    push_decimal(to, price, 10_000, 4);
}

/// Appends a count in 1e-2 contracts with two decimals.
pub(crate) fn push_count(to: &mut Vec<u8>, count: i64) {
    push_decimal(to, count, 100, 2);
}

/// Appends money in 1e-6 dollars with six decimals.
pub(crate) fn push_money(to: &mut Vec<u8>, money: i64) {
    push_decimal(to, money, 1_000_000, 6);
}

fn push_decimal(to: &mut Vec<u8>, units: i64, one: u64, places: usize) {
    let sign = if units < 0 { "-" } else { "" };
    let magnitude = units.unsigned_abs();
    push!(to, "{sign}{}.{:0places$}", magnitude / one, magnitude % one);
}

/// Appends an RFC 3339 time in microseconds, trailing zeros dropped as the exchange does.
pub(crate) fn push_time(to: &mut Vec<u8>, ts_us: i64) {
    let seconds = ts_us.div_euclid(1_000_000);
    let fraction = ts_us.rem_euclid(1_000_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    push!(to, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if fraction != 0 {
        push!(to, ".{fraction:06}");
        while to.last() == Some(&b'0') {
            to.pop();
        }
    }
    to.push(b'Z');
}

/// Turns days since 1970-01-01 into year, month, day of the Gregorian calendar.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_era_0 = days + 719_468;
    let era = since_era_0.div_euclid(146_097);
    let of_era = since_era_0.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut to = Vec::new();
        write(&mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn integers_become_the_strings_of_the_exchange() {
        assert_eq!(text(|to| push_price(to, 10)), "0.0010");
        assert_eq!(text(|to| push_count(to, -305)), "-3.05");
        assert_eq!(text(|to| push_money(to, -17_500)), "-0.017500");
        assert_eq!(text(|to| push_member(to, "a", "x\"y")), r#","a":"x\"y""#);
    }

    #[test]
    fn times_agree_with_the_calendar() {
        for ts_us in
            [0, 951_782_400_000_000, 1_790_000_000_123_456, 4_102_444_799_999_999, 1_709_164_800_500_000]
        {
            let expected = jiff::Timestamp::from_microsecond(ts_us).unwrap().to_string();
            assert_eq!(text(|to| push_time(to, ts_us)), expected);
        }
    }
}
