//! Reads a scenario file and refuses what cannot be, with the line and the choices.

use super::Scenario;
use crate::faults;
use crate::http::Limits;

/// Reads a scenario. Markets and combos that it leaves out are those of `calm`.
pub(super) fn scenario(text: &str) -> Result<Scenario, String> {
    let mut scenario: Scenario = toml::from_str(text).map_err(|error| error.to_string())?;
    let given: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    if !given.contains_key("series") {
        let calm = Scenario::default();
        scenario.series = calm.series;
        if !given.contains_key("collections") {
            scenario.collections = calm.collections;
        }
    }
    check(&scenario, text)?;
    Ok(scenario)
}

fn check(scenario: &Scenario, text: &str) -> Result<(), String> {
    if Limits::of_tier(&scenario.usage_tier).is_none() {
        let (tier, known) = (&scenario.usage_tier, Limits::tiers().join(", "));
        let line = line_of(text, "usage_tier", 0);
        return Err(format!("{line}no usage tier \"{tier}\"; there are {known}"));
    }
    for (name, value) in
        [("read_lag_ms", scenario.read_lag_ms), ("cancel_all_tail_ms", scenario.cancel_all_tail_ms)]
    {
        if value < 0 {
            return Err(format!("{}{name} must be at least 0", line_of(text, name, 0)));
        }
    }
    let mut series: Vec<&str> = scenario.series.iter().map(|plan| plan.ticker.as_str()).collect();
    for (index, change) in scenario.fee_changes.iter().enumerate() {
        if !series.contains(&change.series_ticker.as_str()) {
            let line = line_of(text, "[[fee_changes]]", index);
            let (name, known) = (&change.series_ticker, series.join(", "));
            return Err(format!("{line}fee change {}: no series \"{name}\"; there are {known}", index + 1));
        }
    }
    series.extend(scenario.collections.iter().map(|plan| plan.series_ticker.as_str()));
    for (index, entry) in scenario.schedule.iter().enumerate() {
        let line = line_of(text, "[[schedule]]", index);
        entry.check(&series).map_err(|reason| format!("{line}schedule {}: {reason}", index + 1))?;
    }
    for (index, fault) in scenario.faults.iter().enumerate() {
        let line = line_of(text, "[[faults]]", index);
        faults::check_one(fault).map_err(|reason| format!("{line}fault {}: {reason}", index + 1))?;
    }
    Ok(())
}

/// Tells the line of the `index`th line that starts with `head`; nothing where there is none.
fn line_of(text: &str, head: &str, index: usize) -> String {
    let lines = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with(head));
    lines.map(|(number, _)| format!("line {}: ", number + 1)).nth(index).unwrap_or_default()
}
