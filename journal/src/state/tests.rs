//! Entries in order, rows as the host might serve them, windows to the second.

use proptest::prelude::*;

use super::*;
use crate::entry::{RowChange, Spend};
use crate::row::row_hash;

const T0: u64 = 1_699_920_000; // a UTC midnight

/// A state with its genesis and first boot, at [`T0`].
fn booted() -> State {
    let mut state = State::new();
    apply(&mut state, T0, Kind::Genesis, vec![], vec![]).unwrap();
    apply(&mut state, T0, Kind::Boot, vec![], vec![]).unwrap();
    state
}

fn entry(state: &State, time: u64, kind: Kind, rows: Vec<RowChange>, spends: Vec<Spend>) -> Entry {
    let next = state.next();
    Entry {
        sequence: next.sequence,
        previous: next.previous,
        time,
        term: next.term + u64::from(kind == Kind::Boot),
        kind,
        id: [0; 16],
        actor: "x".into(),
        subject: String::new(),
        policy_digest: None,
        rows,
        spends,
        details: vec![],
        blinding: [0; 32],
    }
}

fn apply(
    state: &mut State,
    time: u64,
    kind: Kind,
    rows: Vec<RowChange>,
    spends: Vec<Spend>,
) -> Result<Applied, ApplyError> {
    let entry = entry(state, time, kind, rows, spends);
    state.apply(&entry)
}

fn spend_of(agent: &str, asset: &str, amount: U256) -> Spend {
    let (agent, asset) = (agent.into(), asset.into());
    Spend { agent, asset, amount: amount.to_be_bytes(), counterparty: String::new() }
}

fn spend(state: &mut State, time: u64, amount: u64) {
    apply(state, time, Kind::Sign, vec![], vec![spend_of("a", "eth", U256::from(amount))]).unwrap();
}

fn spent(state: &State, now: u64) -> Spent {
    state.preview("a", "eth", now).unwrap()
}

fn row(key: &str, version: u64, body: &[u8]) -> Row {
    Row { table: 2, key: key.into(), version, body: body.to_vec(), columns: [].into() }
}

fn change(row: &Row) -> RowChange {
    RowChange { table: row.table, key: row.key.clone(), version: row.version, hash: Some(row_hash(row)) }
}

fn write(state: &mut State, row: &Row) {
    apply(state, T0, Kind::AgentUpdate, vec![change(row)], vec![]).unwrap();
}

fn remove(state: &mut State, key: &str) {
    let version = state.next_version(2, key);
    let gone = RowChange { table: 2, key: key.into(), version, hash: None };
    apply(state, T0, Kind::AgentDelete, vec![gone], vec![]).unwrap();
}

fn key(key: &str) -> RowKey {
    RowKey { table: 2, key: key.into() }
}

mod order {
    use super::*;

    fn refused(bend: impl FnOnce(&mut Entry)) -> ApplyError {
        let mut state = booted();
        let head = *state.head();
        let spend = spend_of("a", "eth", U256::from(1));
        let mut entry = entry(&state, T0, Kind::Sign, vec![change(&row("k", 1, b""))], vec![spend]);
        bend(&mut entry);
        let error = state.apply(&entry).unwrap_err();
        assert_eq!((state.size(), *state.head(), state.term(), state.time()), (2, head, 1, T0));
        assert_eq!((spent(&state, T0).count, state.row(2, "k")), (0, None));
        error
    }

    #[test]
    fn an_entry_in_place_is_applied() {
        let mut state = booted();
        let entry = entry(&state, T0 + 5, Kind::Sign, vec![], vec![]);
        let applied = state.apply(&entry).unwrap();
        assert_eq!(applied.bytes, entry.to_bytes());
        assert_eq!(
            (applied.sequence, applied.leaf, applied.head),
            (2, entry.leaf_hash(), entry.chain_hash())
        );
        assert_eq!(state.next(), Position { sequence: 3, previous: applied.head, term: 1, time: T0 + 5 });
        assert_eq!(state.tree().leaf(2), Some(applied.leaf));
        assert_ne!(state.genesis(), Some(state.head()));
    }

    #[test]
    fn a_gap_in_the_sequence_is_refused() {
        assert_eq!(refused(|entry| entry.sequence = 3), ApplyError::Sequence { expected: 2, found: 3 });
        assert_eq!(refused(|entry| entry.sequence = 1), ApplyError::Sequence { expected: 2, found: 1 });
    }

    #[test]
    fn another_previous_is_refused() {
        assert_eq!(refused(|entry| entry.previous = [9; 32]), ApplyError::Previous(2));
    }

    #[test]
    fn a_genesis_stands_first_and_nowhere_else() {
        assert_eq!(refused(|entry| entry.kind = Kind::Genesis), ApplyError::Genesis(2));
        let mut state = State::new();
        assert_eq!(apply(&mut state, T0, Kind::Boot, vec![], vec![]), Err(ApplyError::Genesis(0)));
        assert_eq!(state.genesis(), None);
    }

    #[test]
    fn another_term_is_refused() {
        assert_eq!(refused(|entry| entry.term = 0), ApplyError::Term { expected: 1, found: 0 });
        assert_eq!(refused(|entry| entry.term = 2), ApplyError::Term { expected: 1, found: 2 });
        assert_eq!(refused(|entry| entry.kind = Kind::Boot), ApplyError::Term { expected: 2, found: 1 });
    }

    #[test]
    fn a_boot_raises_the_term_by_one() {
        let mut state = booted();
        apply(&mut state, T0, Kind::Boot, vec![], vec![]).unwrap();
        apply(&mut state, T0, Kind::Sign, vec![], vec![]).unwrap();
        assert_eq!(state.term(), 2);
    }

    #[test]
    fn clock_backwards_is_refused() {
        let error = refused(|entry| entry.time = T0 - 1);
        assert_eq!(error, ApplyError::Time { known: T0, found: T0 - 1 });
        assert!(error.to_string().starts_with("clock_backwards"));
    }

    #[test]
    fn an_entry_that_breaks_its_own_rules_is_refused() {
        let error = refused(|entry| entry.actor.clear());
        assert_eq!(error, ApplyError::Entry(EntryError::Text("actor")));
        assert!(matches!(
            refused(|entry| entry.details = vec![0; entry::LENGTH]),
            ApplyError::Entry(EntryError::TooLong(_))
        ));
    }

    #[test]
    fn a_row_version_that_skips_is_refused() {
        let wrong = ApplyError::RowVersion { key: "k".into(), expected: 1, found: 2 };
        assert_eq!(refused(|entry| entry.rows[0].version = 2), wrong);
    }

    #[test]
    fn a_removal_of_nothing_is_refused() {
        assert_eq!(refused(|entry| entry.rows[0].hash = None), ApplyError::RowAbsent("k".into()));
    }
}

mod freshness {
    use super::*;

    #[test]
    fn the_newest_row_is_fresh() {
        let mut state = booted();
        let first = row("k", 1, b"one");
        write(&mut state, &first);
        let second = row("k", 2, b"two");
        write(&mut state, &second);
        assert_eq!(state.check_row(&key("k"), Some(&second)).unwrap().row(), Some(&second));
        let known = RowVersion { version: 2, hash: row_hash(&second), sequence: 3 };
        assert_eq!(state.row(2, "k"), Some(known));
    }

    #[test]
    fn a_row_that_never_was_or_was_removed_is_rightly_absent() {
        let mut state = booted();
        assert_eq!(state.check_row(&key("k"), None).unwrap().row(), None);
        write(&mut state, &row("k", 1, b""));
        remove(&mut state, "k");
        assert_eq!(state.check_row(&key("k"), None).unwrap().row(), None);
        assert_eq!(state.row(2, "k"), None);
    }

    #[test]
    fn row_withheld() {
        let mut state = booted();
        write(&mut state, &row("k", 1, b""));
        assert_eq!(state.check_row(&key("k"), None).unwrap_err().name(), "row_withheld");
    }

    #[test]
    fn row_resurrected() {
        let mut state = booted();
        let old = row("k", 1, b"");
        write(&mut state, &old);
        remove(&mut state, "k");
        for back in [old, row("k", 2, b""), row("k", 3, b"")] {
            assert_eq!(state.check_row(&key("k"), Some(&back)).unwrap_err().name(), "row_resurrected");
        }
    }

    #[test]
    fn row_stale() {
        let mut state = booted();
        let old = row("k", 1, b"");
        write(&mut state, &old);
        write(&mut state, &row("k", 2, b""));
        let stale = RowError::Stale { table: 2, key: "k".into(), found: 1, newest: 2 };
        assert_eq!(state.check_row(&key("k"), Some(&old)), Err(stale.clone()));
        assert_eq!(stale.name(), "row_stale");
    }

    #[test]
    fn row_stale_after_a_removal_and_a_new_beginning() {
        let mut state = booted();
        let old = row("k", 1, b"");
        write(&mut state, &old);
        remove(&mut state, "k");
        assert_eq!(state.next_version(2, "k"), 3);
        let new = row("k", 3, b"");
        write(&mut state, &new);
        assert!(state.check_row(&key("k"), Some(&new)).is_ok());
        assert_eq!(state.check_row(&key("k"), Some(&old)).unwrap_err().name(), "row_stale");
    }

    #[test]
    fn row_altered() {
        let mut state = booted();
        let (one, other) = (row("k", 1, b"one"), row("l", 1, b"one"));
        write(&mut state, &one);
        write(&mut state, &other);
        let columns = [("provider".to_owned(), "gcp".to_owned())].into();
        for altered in [row("k", 1, b"two"), Row { columns, ..one.clone() }, other, Row { table: 3, ..one }] {
            assert_eq!(state.check_row(&key("k"), Some(&altered)).unwrap_err().name(), "row_altered");
        }
    }

    #[test]
    fn row_unknown() {
        let mut state = booted();
        assert_eq!(state.check_row(&key("k"), Some(&row("k", 1, b""))).unwrap_err().name(), "row_unknown");
        write(&mut state, &row("k", 1, b""));
        let ahead = RowError::Unknown { table: 2, key: "k".into(), found: 2 };
        assert_eq!(state.check_row(&key("k"), Some(&row("k", 2, b""))), Err(ahead));
    }

    #[test]
    fn a_list_holds_what_is_there_and_nothing_else() {
        let mut state = booted();
        for name in ["v/a", "v/b", "v/c", "w/a", "v"] {
            write(&mut state, &row(name, 1, b""));
        }
        remove(&mut state, "v/b");
        let names = |prefix, after| state.list(2, prefix, after).map(|(key, _)| key).collect::<Vec<_>>();
        assert_eq!(names("v/", None), ["v/a", "v/c"]);
        assert_eq!(names("v/", Some("v/a")), ["v/c"]);
        assert_eq!(names("w/", Some("v/c")), ["w/a"]);
        assert_eq!(names("", None), ["v", "v/a", "v/c", "w/a"]);
        assert_eq!(state.list(3, "", None).count(), 0);
    }
}

mod window {
    use super::*;

    #[test]
    fn a_spend_counts_for_exactly_one_day() {
        let mut state = booted();
        spend(&mut state, T0 + 10, 7);
        let of = |now| (spent(&state, now).amount, spent(&state, now).count, spent(&state, now).frees_at);
        let counts = (U256::from(7), 1, Some(T0 + 10 + DAY));
        assert_eq!(of(T0 + 10), counts);
        assert_eq!(of(T0 + 9 + DAY), counts);
        assert_eq!(of(T0 + 10 + DAY), (U256::ZERO, 0, None));
    }

    #[test]
    fn a_spend_ahead_of_the_lowest_time_counts() {
        let mut state = booted();
        spend(&mut state, T0 + 300, 7);
        assert_eq!(spent(&state, T0 + 100).amount, U256::from(7));
        assert_eq!(spent(&state, T0 + 100).frees_at, Some(T0 + 300 + DAY));
    }

    #[test]
    fn each_second_frees_alone() {
        let mut state = booted();
        for (second, amount) in [(0, 1), (0, 2), (1, 4), (5, 8)] {
            spend(&mut state, T0 + second, amount);
        }
        let left = [(T0 + DAY - 1, 15, 4), (T0 + DAY, 12, 2), (T0 + DAY + 1, 8, 1), (T0 + DAY + 5, 0, 0)];
        for (now, amount, count) in left {
            assert_eq!((spent(&state, now).amount, spent(&state, now).count), (U256::from(amount), count));
        }
        let frees = |amount| state.frees_at("a", "eth", T0 + 10, U256::from(amount));
        assert_eq!((frees(0), frees(3), frees(4)), (Some(T0 + 10), Some(T0 + DAY), Some(T0 + DAY + 1)));
        assert_eq!((frees(8), frees(15), frees(16)), (Some(T0 + DAY + 5), Some(T0 + DAY + 5), None));
        assert_eq!(state.frees_at("b", "eth", T0, U256::from(1)), None);
    }

    #[test]
    fn a_utc_day_begins_anew_at_midnight() {
        let mut state = booted();
        spend(&mut state, T0 + 10, 1);
        spend(&mut state, T0 + DAY - 1, 2);
        let day = |state: &State, now| (spent(state, now).day_amount, spent(state, now).day_count);
        assert_eq!(day(&state, T0 + DAY - 1), (U256::from(3), 2));
        assert_eq!(day(&state, T0 + DAY), (U256::ZERO, 0));
        spend(&mut state, T0 + DAY, 4);
        assert_eq!(day(&state, T0 + DAY), (U256::from(4), 1));
        assert_eq!(spent(&state, T0 + DAY).amount, U256::from(7));
    }

    #[test]
    fn counter_per_asset_and_agent() {
        let mut state = booted();
        let spends = [("a", "eth", 1), ("a", "usdc", 2), ("b", "eth", 4), ("a", "eth", 8)];
        let spends = spends.map(|(agent, asset, amount)| spend_of(agent, asset, U256::from(amount)));
        apply(&mut state, T0, Kind::Sign, vec![], spends.into()).unwrap();
        let of = |agent, asset| state.preview(agent, asset, T0).map(|spent| spent.amount);
        assert_eq!(of("a", "eth"), Ok(U256::from(9)));
        assert_eq!(of("a", "usdc"), Ok(U256::from(2)));
        assert_eq!(of("b", "eth"), Ok(U256::from(4)));
        assert_eq!(of("b", "usdc"), Ok(U256::ZERO));
    }

    #[test]
    fn a_sum_beyond_256_bits_is_refused_not_cut_off() {
        let mut state = booted();
        let whole = |state: &mut State, time, amounts: &[U256]| {
            let spends = amounts.iter().map(|amount| spend_of("a", "eth", *amount)).collect();
            apply(state, time, Kind::Sign, vec![], spends)
        };
        let overflow = SpendError::Overflow { agent: "a".into(), asset: "eth".into() };
        let both = whole(&mut state, T0, &[U256::MAX, U256::from(1)]);
        assert_eq!(both, Err(ApplyError::Spend(overflow.clone())));
        whole(&mut state, T0, &[U256::MAX]).unwrap();
        assert_eq!(whole(&mut state, T0 + DAY, &[U256::from(1)]), Err(ApplyError::Spend(overflow)));
        assert_eq!(spent(&state, T0).amount, U256::MAX);
        let later = T0 + DAY + LATENESS;
        whole(&mut state, later, &[U256::MAX]).unwrap();
        assert_eq!(spent(&state, later).amount, U256::MAX);
    }

    #[test]
    fn clock_backwards_beyond_what_is_kept_is_refused() {
        let mut state = booted();
        spend(&mut state, T0 + 2 * DAY, 1);
        let now = T0 + 2 * DAY - LATENESS;
        assert_eq!(spent(&state, now).amount, U256::from(1));
        let refused = SpendError::ClockBackwards { now: now - 1, known: T0 + 2 * DAY };
        assert_eq!(state.preview("a", "eth", now - 1), Err(refused));
    }

    #[test]
    fn windows_that_ended_do_not_pile_up() {
        let mut state = booted();
        for agent in 0..100 {
            let spends = vec![spend_of(&agent.to_string(), "eth", U256::from(1))];
            apply(&mut state, T0, Kind::Sign, vec![], spends).unwrap();
        }
        for _ in 0..210 {
            spend(&mut state, T0 + 2 * DAY, 1);
        }
        assert_eq!(state.windows.len(), 1);
        assert_eq!(spent(&state, T0 + 2 * DAY).count, 210);
    }

    proptest! {
        /// A window written down naively: every spend with its second.
        #[test]
        fn a_window_is_the_naive_sum(
            steps in prop::collection::vec((0_u64..20_000, 1_u64..1_000, 0_usize..2), 1..60),
            lag in 0..=LATENESS,
            ahead in 0..2 * DAY,
        ) {
            let (mut state, mut naive, mut time) = (booted(), Vec::new(), T0);
            for (passed, amount, agent) in steps {
                let agent = ["a", "b"][agent];
                time += passed;
                apply(&mut state, time, Kind::Sign, vec![], vec![spend_of(agent, "eth", U256::from(amount))]).unwrap();
                naive.push((time, amount, agent));
                for now in [time - lag, time, time + ahead] {
                    let counted = |(t, _, of): &&(u64, u64, &str)| *of == agent && t + DAY > now;
                    let today = |(t, _, of): &&(u64, u64, &str)| *of == agent && *t >= now - now % DAY;
                    let sum = |all: Vec<&(u64, u64, &str)>| U256::from(all.iter().map(|one| one.1).sum::<u64>());
                    let inside: Vec<_> = naive.iter().filter(counted).collect();
                    let day: Vec<_> = naive.iter().filter(today).collect();
                    let expected = Spent {
                        count: inside.len() as u64,
                        frees_at: inside.first().map(|one| one.0 + DAY),
                        amount: sum(inside),
                        day_count: day.len() as u64,
                        day_amount: sum(day),
                    };
                    prop_assert_eq!(state.preview(agent, "eth", now), Ok(expected));
                }
            }
        }
    }
}
