//! One JSON object a line: `ts`, `level`, `service`, `component`, `event`, `message`, then the event's own fields.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

const SERVICE: &str = "outrigger";
/// Names the frame owns; a field of the same name is written with a trailing underscore.
const RESERVED: [&str; 4] = ["ts", "level", "service", "component"];

#[derive(Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let meta = event.metadata();
        // Events that came by way of the `log` crate carry their true target in a field.
        let target = fields.log_target.take().unwrap_or_else(|| meta.target().to_owned());
        let line = line(meta.level().as_str(), &target, fields.map);
        writeln!(writer, "{line}")
    }
}

/// Returns the line, the frame's names first, so that a person finds them.
fn line(level: &str, target: &str, mut fields: Map<String, Value>) -> String {
    let frame = [
        ("ts", format!("{:.6}", jiff::Timestamp::now()).into()),
        ("level", level.to_lowercase().into()),
        ("service", SERVICE.into()),
        ("component", component(target).into()),
        ("event", fields.remove("event").unwrap_or_else(|| "log".into())),
        ("message", fields.remove("message").unwrap_or_else(|| "".into())),
    ];
    let mut line = String::from("{");
    for (name, value) in frame {
        let separator = if line.len() > 1 { "," } else { "" };
        let _ = write!(line, "{separator}\"{name}\":{value}");
    }
    for (name, value) in fields {
        let suffix = if RESERVED.contains(&name.as_str()) { "_" } else { "" };
        let _ = write!(line, ",{}:{value}", Value::from(format!("{name}{suffix}")));
    }
    line.push('}');
    line
}

/// Returns a target without the crates' common prefix: `outrigger_engine::actors::desk` is `engine::actors::desk`.
fn component(target: &str) -> &str {
    target.strip_prefix("outrigger_").or_else(|| target.strip_prefix("outrigger::")).unwrap_or(target)
}

/// Says how many lines a reader that was too slow did not get.
pub(super) fn lost_line(lost: u64) -> String {
    let mut fields = Map::new();
    fields.insert("event".to_owned(), "log_lines_dropped".into());
    fields.insert(
        "message".to_owned(),
        format!("{lost} log lines were dropped: standard error is read too slowly").into(),
    );
    fields.insert("dropped".to_owned(), lost.into());
    line("warn", "outrigger::telemetry", fields)
}

#[derive(Default)]
struct Fields {
    map: Map<String, Value>,
    log_target: Option<String>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("log.target", Value::String(target)) => self.log_target = Some(target),
            // The rest of what the `log` crate adds are source paths of the machine that built us.
            (name, _) if name.starts_with("log.") => {}
            (name, value) => {
                self.map.insert(name.trim_start_matches("r#").to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
    /// Prints the whole chain: `Display` of an error says only its own part.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        self.put(field, text.into());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use parking_lot::Mutex;
    use serde_json::Value;
    use std::sync::Arc;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::logs::layer;
    use super::super::sink::Sink;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(act: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let sink = Sink::start(kept.clone()).unwrap();
        let subscriber = tracing_subscriber::registry().with(layer(sink.clone(), true));
        tracing::subscriber::with_default(subscriber, act);
        sink.flush(Duration::from_secs(10));
        let text = String::from_utf8(kept.0.lock().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_event_is_one_json_line_with_its_fields() {
        let lines = logged(|| {
            tracing::warn!(event = "order_unknown", order_id = 7_u64, level = "x", "no answer\nfor \"it\"");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["level"], "warn");
        assert_eq!(line["level_"], "x");
        assert_eq!(line["service"], "outrigger");
        assert_eq!(line["component"], "telemetry::format::tests");
        assert_eq!(line["event"], "order_unknown");
        assert_eq!(line["message"], "no answer\nfor \"it\"");
        assert_eq!(line["order_id"], 7);
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn an_error_is_printed_with_its_causes() {
        let error = crate::store::StoreError::Sqlite {
            doing: "write".to_owned(),
            source: rusqlite::Error::QueryReturnedNoRows,
        };
        let lines = logged(|| tracing::error!(error = &error as &dyn std::error::Error, "failed"));
        assert_eq!(lines[0]["error"], "write: Query returned no rows");
    }
}
