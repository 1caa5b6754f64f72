//! Who calls: the person, or an agent. Found from a token or an API key, judged by sealed state at every call.

use std::sync::Arc;

use uuid::Uuid;

use crate::records::Agent;

/// The person.
#[derive(Clone, Debug)]
pub(crate) struct Human {
    /// The one person's id.
    pub(crate) id: Uuid,
    /// When the credential in use ends, unix seconds.
    pub(crate) expires: Option<u64>,
}

/// An agent that is active, with the version of the row that says so.
#[derive(Clone, Debug)]
pub(crate) struct AgentCaller {
    /// The agent as it stands now.
    pub(crate) agent: Arc<Agent>,
    /// The version of its row.
    pub(crate) version: u64,
    /// Whether the credential carries the Intents API.
    pub(crate) intents: bool,
    /// When the credential in use ends, unix seconds.
    pub(crate) expires: Option<u64>,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) enum Principal {
    /// The person.
    Human(Human),
    /// An agent.
    Agent(AgentCaller),
}

impl Principal {
    /// As the journal names it.
    pub(crate) fn actor(&self) -> String {
        match self {
            Self::Human(human) => format!("user:{}", human.id),
            Self::Agent(caller) => format!("agent:{}", caller.agent.id),
        }
    }

    /// When the credential in use ends.
    pub(crate) fn expires(&self) -> Option<u64> {
        match self {
            Self::Human(human) => human.expires,
            Self::Agent(caller) => caller.expires,
        }
    }

    /// The id that limits go by.
    pub(crate) fn id(&self) -> Uuid {
        match self {
            Self::Human(human) => human.id,
            Self::Agent(caller) => caller.agent.id,
        }
    }
}
