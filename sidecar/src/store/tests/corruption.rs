//! Random damage to the files of a real ledger: every case is found by the start or by `verify`, or the state is the same.

use std::collections::BTreeMap;
use std::thread;

use outrigger_engine::journal::StoredEntry;
use outrigger_faultdisk::{Image, Random};

use super::disk::{LEDGER, MARK, Trial, WAL, how_many, next_batch};
use crate::store::committer::Committer;
use crate::store::verify::verify_at;

/// Two moments of a ledger, one while it is written to, one closed in order, and older logs of it.
struct Specimens {
    images: Vec<(Image, Vec<StoredEntry>)>,
    stale_logs: Vec<Vec<u8>>,
}

fn specimens() -> Specimens {
    let (trial, mut entries, mut random) = (Trial::new(), Vec::new(), Random::new(41));
    let (mut images, mut stale_logs) = (Vec::new(), Vec::new());
    let mut committer = Committer::new(trial.boot().unwrap().0).unwrap();
    for at in 0..9 {
        committer.commit(std::iter::once(&next_batch(&mut entries, &mut random))).unwrap();
        if at % 2 == 0 {
            stale_logs.push(trial.0.image().files[WAL].clone());
        }
        if at == 4 {
            committer.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
    }
    images.push((trial.0.image(), entries.clone()));
    committer.close(true);
    images.push((trial.0.image(), entries));
    // The log of another ledger altogether.
    let other = Trial::new();
    let mut committer = Committer::new(other.boot().unwrap().0).unwrap();
    committer.commit(std::iter::once(&next_batch(&mut Vec::new(), &mut Random::new(99)))).unwrap();
    stale_logs.push(other.0.image().files[WAL].clone());
    drop(committer);
    Specimens { images, stale_logs }
}

/// Damages one file, and returns in which way.
fn damage(image: &mut Image, specimens: &Specimens, random: &mut Random) -> String {
    let names: Vec<String> =
        image.files.keys().filter(|name| !image.files[*name].is_empty()).cloned().collect();
    // The mark is small: left to chance in proportion, most cases are for the ledger and its log.
    let name = names[random.index(names.len())].clone();
    let data = image.files.get_mut(&name).unwrap();
    let len = data.len();
    let way = match random.below(10) {
        0..=4 => {
            for _ in 0..=random.below(4) {
                data[random.index(len)] ^= 1 << random.below(8);
            }
            "bits"
        }
        5 => {
            let from = random.index(len);
            let to = len.min(from + 1 + random.index(64));
            data[from..to].iter_mut().for_each(|byte| *byte = u8::try_from(random.below(256)).unwrap());
            "bytes"
        }
        6 => {
            data.truncate(random.index(len));
            "cut"
        }
        7 | 8 => {
            let size = if random.happens(50) { 512 } else { 4096 };
            let from = random.index(len) / size * size;
            data[from..len.min(from + size)].fill(0);
            "zeros"
        }
        _ => {
            let stale = specimens.stale_logs[random.index(specimens.stale_logs.len())].clone();
            image.files.insert(WAL.to_owned(), stale);
            return "a stale log".to_owned();
        }
    };
    let file = match name.as_str() {
        LEDGER => "ledger",
        WAL => "log",
        MARK => "mark",
        other => other,
    };
    format!("{way} in the {file}")
}

/// Returns how a damaged ledger was found out, or why it does not matter; `Err` if it would be used silently.
fn judge(trial: &Trial, image: &Image, entries: &[StoredEntry]) -> Result<&'static str, String> {
    trial.0.load(image);
    let found = match trial.boot() {
        Err(_) => return Ok("refused by the start"),
        Ok((_, found)) => found,
    };
    trial.0.load(image);
    match verify_at(&trial.site()) {
        Err(_) => return Ok("found by verify"),
        Ok(checked) if !checked.is_sound() => {
            if found != entries {
                return Err("the start took what verify knows to be wrong".to_owned());
            }
            return Ok("found by verify, the journal is whole");
        }
        Ok(_) => {}
    }
    if found == entries {
        Ok("harmless: every entry and every row is the same")
    } else {
        Err(format!("{} entries", found.len()))
    }
}

type Tally = BTreeMap<(String, &'static str), u64>;

fn run(seed: u64, cases: u64) -> (Tally, Vec<String>) {
    let (specimens, trial) = (specimens(), Trial::new());
    let mut random = Random::new(seed);
    let (mut tally, mut wrong) = (Tally::new(), Vec::new());
    for case in 0..cases {
        let (whole, entries) = &specimens.images[random.index(specimens.images.len())];
        let mut image = whole.clone();
        let way = damage(&mut image, &specimens, &mut random);
        match judge(&trial, &image, entries) {
            Ok(how) => *tally.entry((way, how)).or_default() += 1,
            Err(what) => wrong.push(format!("seed {seed}, case {case}, {way}: {what}")),
        }
    }
    (tally, wrong)
}

#[test]
fn no_damage_is_used_silently() {
    let (cases, first) = (how_many("OUTRIGGER_CORRUPTIONS", 6_000), how_many("OUTRIGGER_SEED", 1));
    let workers: Vec<_> =
        (0..2).map(|worker| thread::spawn(move || run(first + worker, cases / 2))).collect();
    let (mut tally, mut wrong) = (Tally::new(), Vec::new());
    for worker in workers {
        let (counts, more) = worker.join().unwrap();
        counts.into_iter().for_each(|(row, count)| *tally.entry(row).or_default() += count);
        wrong.extend(more);
    }
    for ((way, how), count) in &tally {
        println!("{count:>8} {way}: {how}");
    }
    assert_eq!(wrong, Vec::<String>::new(), "{} of {cases}", wrong.len());
    assert_eq!(tally.values().sum::<u64>(), cases / 2 * 2);
}
