//! The tool calls of one turn, put together from the pieces that a model streams.

use gateway_client::{ToolCall, ToolCallDelta};

/// Calls of one turn that are kept; a model that makes more has lost its way.
const MOST_CALLS: usize = 16;

/// Bytes of a call's arguments that are kept. One byte more tells that there were more.
pub(super) const MOST_ARGUMENTS: usize = 8 << 10;

/// Bytes of a name and of an id.
const MOST_NAME: usize = 64;

/// Calls while they arrive.
#[derive(Default)]
pub(super) struct Calls {
    begun: Vec<Begun>,
}

struct Begun {
    index: u32,
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    /// Takes the next piece.
    pub(super) fn take(&mut self, delta: &ToolCallDelta) {
        let id = delta.id.as_deref().unwrap_or_default();
        // Some engines count every call as the first; a new id tells them apart.
        let goes_on = |begun: &Begun| {
            begun.index == delta.index && (id.is_empty() || begun.id.is_empty() || begun.id == id)
        };
        let at = match self.begun.iter().rposition(goes_on) {
            Some(at) => at,
            None if self.begun.len() == MOST_CALLS => return,
            None => {
                let (id, name, arguments) = (String::new(), String::new(), String::new());
                self.begun.push(Begun { index: delta.index, id, name, arguments });
                self.begun.len() - 1
            }
        };
        let at = &mut self.begun[at];
        if at.id.is_empty() {
            push(&mut at.id, id, MOST_NAME);
        }
        push(&mut at.name, delta.name.as_deref().unwrap_or_default(), MOST_NAME);
        push(&mut at.arguments, &delta.arguments, MOST_ARGUMENTS + 1);
    }

    /// The calls, in order, each with an id of its own.
    pub(super) fn finish(self) -> Vec<ToolCall> {
        let mut calls: Vec<ToolCall> = Vec::new();
        for (number, Begun { id, name, arguments, .. }) in self.begun.into_iter().enumerate() {
            let is_taken = id.is_empty() || calls.iter().any(|call| call.id == id);
            let id = if is_taken { format!("call_{number}") } else { id };
            calls.push(ToolCall { id, name, arguments });
        }
        calls
    }
}

/// Adds what fits within `most` bytes.
fn push(text: &mut String, more: &str, most: usize) {
    let room = most.saturating_sub(text.len());
    text.push_str(&more[..more.floor_char_boundary(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(deltas: &[(u32, &str, &str, &str)]) -> Vec<(String, String, String)> {
        let mut calls = Calls::default();
        for &(index, id, name, arguments) in deltas {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let arguments = arguments.to_owned();
            calls.take(&ToolCallDelta { index, id: some(id), name: some(name), arguments });
        }
        calls.finish().into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
    }

    fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.to_owned(), name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn pieces_become_calls_however_engines_number_them() {
        let whole = [(0, "a", "uses", r#"{"regi"#), (0, "", "", r#"ster":"X"}"#)];
        assert_eq!(calls(&whole), [call("a", "uses", r#"{"register":"X"}"#)]);
        // Every call the first, told apart by its id.
        let same = [(0, "a", "uses", "{}"), (0, "b", "logs", "{}")];
        assert_eq!(calls(&same), [call("a", "uses", "{}"), call("b", "logs", "{}")]);
        // No ids at all, and one id twice.
        assert_eq!(calls(&[(3, "", "logs", "")]), [call("call_0", "logs", "")]);
        let twice = [(0, "a", "uses", ""), (1, "a", "logs", "")];
        assert_eq!(calls(&twice), [call("a", "uses", ""), call("call_1", "logs", "")]);
    }

    #[test]
    fn what_is_kept_of_a_runaway_is_bounded() {
        let long = "ä".repeat(MOST_ARGUMENTS);
        let many: Vec<(u32, &str, &str, &str)> =
            (0..1000).map(|index| (index, "", "uses", long.as_str())).collect();
        let calls = calls(&many);
        assert_eq!(calls.len(), MOST_CALLS);
        assert!(calls.iter().all(|(_, _, arguments)| arguments.len() <= MOST_ARGUMENTS + 1));
    }
}
