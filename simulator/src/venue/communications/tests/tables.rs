//! Every row of the state tables, and that there is no other.

use crate::venue::communications::state::*;

#[test]
fn quotes_take_the_listed_steps_only() {
    use QuoteStatus as S;
    use QuoteStep as T;
    let states = [S::Open, S::Accepted, S::Confirmed, S::Executed, S::Cancelled];
    let steps = [T::Accept, T::Confirm, T::Execute, T::Withdraw, T::Void];
    let rows = [
        [Some(S::Accepted), None, None, Some(S::Cancelled), None],
        [None, Some(S::Confirmed), None, None, Some(S::Cancelled)],
        [None, None, Some(S::Executed), None, Some(S::Cancelled)],
        [None; 5],
        [None; 5],
    ];
    for (state, row) in states.iter().zip(rows) {
        assert_eq!(steps.map(|step| state.after(step)), row, "{state:?}");
    }
}

#[test]
fn batches_take_the_listed_steps_only() {
    use BatchStatus as S;
    use BatchStep as T;
    let steps = [T::Accept, T::Delete, T::Finish];
    let after = |state: S| steps.map(|step| state.after(step));
    assert_eq!(after(S::Open), [Some(S::Accepted), Some(S::Closed), None]);
    assert_eq!(after(S::Accepted), [None, None, Some(S::Closed)]);
    assert_eq!(after(S::Closed), [None; 3]);
}

#[test]
fn batch_quotes_take_the_listed_steps_only() {
    use BatchQuoteStatus as S;
    use BatchQuoteStep as T;
    let steps = [T::Accept, T::Confirm, T::Execute, T::ExecutePartly, T::Withdraw, T::Void];
    let after = |state: S| steps.map(|step| state.after(step));
    assert_eq!(after(S::Open), [Some(S::Accepted), None, None, None, Some(S::Cancelled), None]);
    assert_eq!(after(S::Accepted), [None, Some(S::Confirmed), None, None, None, Some(S::Cancelled)]);
    let ended = [None, None, Some(S::Executed), Some(S::PartiallyExecuted), None, Some(S::Cancelled)];
    assert_eq!(after(S::Confirmed), ended);
    for state in [S::Executed, S::PartiallyExecuted, S::Cancelled] {
        assert_eq!(after(state), [None; 6], "{state:?}");
    }
}

#[test]
fn proposals_end_once() {
    use ProposalStatus as S;
    use ProposalStep as T;
    let after = |state: S| [T::Execute, T::Expire].map(|step| state.after(step));
    assert_eq!(after(S::Pending), [Some(S::Executed), Some(S::Expired)]);
    assert_eq!((after(S::Executed), after(S::Expired)), ([None; 2], [None; 2]));
}
