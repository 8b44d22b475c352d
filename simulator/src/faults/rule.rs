//! A checked rule: a place, a fault that can happen there, and when.
//!
//! Invariant: a rule that exists can be carried out at its place; everything else was refused with its mistake.

use crate::socket::channel::Channel;

use super::route::RoutePattern;
use super::spec::FaultSpec;

/// Where something is about to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// A request, with its path below the REST base.
    Request {
        method: &'a str,
        path: &'a str,
    },
    Upgrade,
    Command,
    Frame {
        channel: Option<Channel>,
        market: Option<&'a str>,
    },
}

/// Where a rule applies.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Where {
    Route(RoutePattern),
    Upgrade,
    Command,
    AnyFrame,
    Frame { channel: Option<Channel>, market: Option<String> },
}

/// What goes wrong. `executed` tells whether the venue acts on the request first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed without an answer.
    Drop {
        executed: bool,
    },
    Reset {
        executed: bool,
    },
    Hang {
        executed: bool,
    },
    Status {
        executed: bool,
        status: u16,
    },
    /// Nothing is read or written any more, and nothing is closed.
    HalfOpen,
    Delay {
        ms: i64,
    },
    Duplicate,
    /// Lets the next request or frame go first; waits for it at most so long.
    Reorder {
        ms: i64,
    },
    Stale,
    NoOrder,
    Malformed,
    UnknownFields,
    UnknownType,
    Huge {
        bytes: usize,
    },
    /// Every byte takes so long.
    Trickle {
        ms: i64,
    },
    /// The exchange's clock is off by so much.
    Skew {
        ms: i64,
    },
    /// A frame or a command is left out.
    LeaveOut {
        consume_seq: bool,
    },
    Gap {
        by: i64,
    },
    /// No text frame for so long; for ever if none is given.
    Mute {
        ms: Option<i64>,
    },
    /// The exchange takes the client for one that does not keep up: every subscription of the connection ends.
    Overflow,
    /// Closes every socket in order and refuses upgrades for so long.
    Maintenance {
        ms: i64,
    },
}

#[derive(Debug)]
pub(crate) struct Rule {
    place: Where,
    pub(super) fault: Fault,
    pub(super) spec: FaultSpec,
}

/// The faults of each place with the parameters they take; `!` marks one that must be given.
const REQUEST: &[(&str, &[&str])] = &[
    ("drop", &[]),
    ("reset", &[]),
    ("hang", &[]),
    ("half_open", &[]),
    ("status", &["status!"]),
    ("accept_then_status", &["status"]),
    ("accept_then_hang", &[]),
    ("accept_then_reset", &[]),
    ("accept_then_drop", &[]),
    ("delay", &["ms!"]),
    ("duplicate", &[]),
    ("reorder", &["ms"]),
    ("stale", &[]),
    ("no_order", &[]),
    ("malformed", &[]),
    ("unknown_fields", &[]),
    ("huge", &["bytes!"]),
    ("trickle", &["ms"]),
    ("skew", &["ms!"]),
];
const UPGRADE: &[(&str, &[&str])] = &[
    ("drop", &[]),
    ("reset", &[]),
    ("hang", &[]),
    ("half_open", &[]),
    ("status", &["status!"]),
    ("delay", &["ms!"]),
    ("trickle", &["ms"]),
    ("skew", &["ms!"]),
];
const COMMAND: &[(&str, &[&str])] = &[("drop", &[]), ("duplicate", &[])];
const FRAME: &[(&str, &[&str])] = &[
    ("drop", &["consume_seq"]),
    ("gap", &["by"]),
    ("delay", &["ms!"]),
    ("duplicate", &[]),
    ("reorder", &["ms"]),
    ("malformed", &[]),
    ("unknown_fields", &[]),
    ("unknown_type", &[]),
    ("huge", &["bytes!"]),
    ("mute", &["ms"]),
    ("overflow", &[]),
    ("trickle", &["ms"]),
    ("half_open", &[]),
    ("disconnect", &[]),
    ("reset", &[]),
    ("maintenance", &["ms!"]),
];

const REORDER_MS: i64 = 1_000;
const TRICKLE_MS: i64 = 1;
const MS_MAX: i64 = 24 * 60 * 60 * 1_000;
const BYTES_MAX: u32 = 64 * 1024 * 1024;

impl Rule {
    pub(crate) fn new(spec: FaultSpec) -> Result<Rule, String> {
        let place = place(&spec)?;
        let (noun, known) = match place {
            Where::Route(_) => ("a route", REQUEST),
            Where::Upgrade => ("an upgrade", UPGRADE),
            Where::Command => ("a command", COMMAND),
            Where::AnyFrame | Where::Frame { .. } => ("a frame", FRAME),
        };
        check_parameters(&spec, noun, known)?;
        check_when(&spec)?;
        let fault = fault(&spec, matches!(place, Where::Command | Where::AnyFrame | Where::Frame { .. }));
        Ok(Rule { place, fault, spec })
    }

    pub(super) fn matches(&self, at: &Place<'_>) -> bool {
        match (&self.place, at) {
            (Where::Route(pattern), Place::Request { method, path }) => pattern.matches(method, path),
            (Where::Upgrade, Place::Upgrade)
            | (Where::Command, Place::Command)
            | (Where::AnyFrame, Place::Frame { .. }) => true,
            (Where::Frame { channel, market }, Place::Frame { channel: of, market: about }) => {
                of.is_some()
                    && channel.is_none_or(|channel| *of == Some(channel))
                    && market.as_deref().is_none_or(|market| *about == Some(market))
            }
            _ => false,
        }
    }

    /// Tells whether the rule is about frames or commands of sockets.
    pub(super) fn is_of_stream(&self) -> bool {
        !matches!(self.place, Where::Route(_) | Where::Upgrade)
    }
}

fn place(spec: &FaultSpec) -> Result<Where, String> {
    let frame = spec.channel.is_some() || spec.market.is_some();
    match (&spec.route, &spec.socket, frame) {
        (Some(route), None, false) => RoutePattern::new(route).map(Where::Route),
        (None, Some(socket), false) => match socket.as_str() {
            "upgrade" => Ok(Where::Upgrade),
            "command" => Ok(Where::Command),
            "frame" => Ok(Where::AnyFrame),
            other => Err(format!("socket is \"{other}\"; it can be upgrade, command or frame")),
        },
        (None, None, true) => {
            let named =
                |name: &String| Channel::named(name).ok_or_else(|| format!("there is no channel \"{name}\""));
            let channel = spec.channel.as_ref().map(named).transpose()?;
            Ok(Where::Frame { channel, market: spec.market.clone() })
        }
        (None, None, false) => Err("where? give route, socket, channel or market".to_owned()),
        _ => Err("route, socket and channel/market exclude each other".to_owned()),
    }
}

fn check_parameters(spec: &FaultSpec, noun: &str, known: &[(&str, &[&str])]) -> Result<(), String> {
    let name = spec.fault.as_str();
    let Some((_, takes)) = known.iter().find(|(fault, _)| *fault == name) else {
        let names: Vec<&str> = known.iter().map(|(fault, _)| *fault).collect();
        return Err(format!("{noun} has no fault \"{name}\"; it has {}", names.join(", ")));
    };
    let given = [
        ("status", spec.status.is_some()),
        ("ms", spec.ms.is_some()),
        ("bytes", spec.bytes.is_some()),
        ("by", spec.by.is_some()),
        ("consume_seq", spec.consume_seq.is_some()),
    ];
    for (parameter, is_given) in given {
        let takes_it = takes.iter().find(|takes| takes.trim_end_matches('!') == parameter);
        match (takes_it, is_given) {
            (None, true) => return Err(format!("{name} takes no {parameter}")),
            (Some(takes), false) if takes.ends_with('!') => return Err(format!("{name} needs {parameter}")),
            _ => {}
        }
    }
    if spec.status.is_some_and(|status| !(400..=599).contains(&status)) {
        return Err("status must be from 400 to 599".to_owned());
    }
    let lowest = if name == "skew" { -MS_MAX } else { 0 };
    if spec.ms.is_some_and(|ms| ms < lowest || ms > MS_MAX) {
        return Err(format!("ms must be from {lowest} to {MS_MAX}"));
    }
    if spec.bytes.is_some_and(|bytes| bytes == 0 || bytes > BYTES_MAX) {
        return Err(format!("bytes must be from 1 to {BYTES_MAX}"));
    }
    if spec.by == Some(0) {
        return Err("by must be at least 1".to_owned());
    }
    Ok(())
}

fn check_when(spec: &FaultSpec) -> Result<(), String> {
    let choices = [spec.nth.is_some(), spec.every.is_some(), spec.percent.is_some()];
    if choices.iter().filter(|given| **given).count() > 1 {
        return Err("nth, every and percent exclude each other".to_owned());
    }
    if spec.seed.is_some() && spec.percent.is_none() {
        return Err("seed is for percent".to_owned());
    }
    for (name, value) in [("nth", spec.nth), ("every", spec.every), ("count", spec.count)] {
        if value == Some(0) {
            return Err(format!("{name} must be at least 1"));
        }
    }
    if spec.percent.is_some_and(|percent| percent == 0 || percent > 100) {
        return Err("percent must be from 1 to 100".to_owned());
    }
    for (name, value) in [("after_ms", spec.after_ms), ("for_ms", spec.for_ms)] {
        if value.is_some_and(|ms| !(0..=MS_MAX).contains(&ms)) {
            return Err(format!("{name} must be from 0 to {MS_MAX}"));
        }
    }
    Ok(())
}

/// Turns checked text into a fault.
fn fault(spec: &FaultSpec, of_stream: bool) -> Fault {
    let ms = spec.ms.unwrap_or(0);
    let status = spec.status.unwrap_or(500);
    match spec.fault.as_str() {
        "drop" if of_stream => Fault::LeaveOut { consume_seq: spec.consume_seq.unwrap_or(true) },
        "reset" => Fault::Reset { executed: false },
        "hang" => Fault::Hang { executed: false },
        "half_open" => Fault::HalfOpen,
        "status" => Fault::Status { executed: false, status },
        "accept_then_status" => Fault::Status { executed: true, status },
        "accept_then_hang" => Fault::Hang { executed: true },
        "accept_then_reset" => Fault::Reset { executed: true },
        "accept_then_drop" => Fault::Drop { executed: true },
        "delay" => Fault::Delay { ms },
        "duplicate" => Fault::Duplicate,
        "reorder" => Fault::Reorder { ms: spec.ms.unwrap_or(REORDER_MS) },
        "stale" => Fault::Stale,
        "no_order" => Fault::NoOrder,
        "malformed" => Fault::Malformed,
        "unknown_fields" => Fault::UnknownFields,
        "unknown_type" => Fault::UnknownType,
        "huge" => Fault::Huge { bytes: usize::try_from(spec.bytes.unwrap_or(0)).unwrap_or(0) },
        "trickle" => Fault::Trickle { ms: spec.ms.unwrap_or(TRICKLE_MS) },
        "skew" => Fault::Skew { ms },
        "gap" => Fault::Gap { by: i64::from(spec.by.unwrap_or(1)) },
        "mute" => Fault::Mute { ms: spec.ms },
        "overflow" => Fault::Overflow,
        "maintenance" => Fault::Maintenance { ms },
        // "drop" of a request and "disconnect" of a socket.
        _ => Fault::Drop { executed: false },
    }
}
