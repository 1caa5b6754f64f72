//! Why JSON is not typed data.

/// What is wrong with typed data, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypedDataError {
    /// A part has another JSON type than EIP-712 gives it.
    #[error("{0}")]
    Shape(&'static str),
    /// A member that the types do not name.
    #[error("{0} is not named by the types")]
    Unknown(String),
    /// A member that the types name and the value lacks.
    #[error("{0} is missing")]
    Missing(String),
    /// A type that is neither primitive nor defined.
    #[error("type {0:?} is neither primitive nor defined")]
    UndefinedType(String),
    /// A name that would make the encoded type ambiguous, or that a primitive type has.
    #[error("{0:?} cannot be a name here")]
    Name(String),
    /// One name twice in one type.
    #[error("{0} is declared twice")]
    Declared(String),
    /// More types or members than anybody needs.
    #[error("more than {0} types, or members in all of them")]
    TooMany(usize),
    /// A domain member that EIP-712 does not define, or with another type.
    #[error("the domain has no member {0:?} of that type")]
    Domain(String),
    /// A value that is not of its type.
    #[error("{path}: expected {expected}, found {found}")]
    Value {
        /// Where it stands.
        path: String,
        /// Its type.
        expected: String,
        /// What stands there.
        found: String,
    },
}
