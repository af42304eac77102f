/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address itself may not be called.
    #[error("the address {0}")]
    Address(&'static str),
    /// The name stands for an address that may not be called.
    #[error("the name stands for an address that is not on the internet, nor listed")]
    Blocked,
    /// The name stands for nothing, nobody answers there, or TLS failed.
    #[error("no connection could be made")]
    Unreachable,
    /// It took longer than it may.
    #[error("no answer came in time")]
    TimedOut,
    /// The answer is not 200. Redirects are not followed.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// The answer is of another media type.
    #[error("the answer is not of the media type that was asked for")]
    MediaType,
    /// The answer is compressed, which was not asked for.
    #[error("the answer is compressed")]
    Compressed,
    /// The answer is larger than it may be.
    #[error("the answer is too large")]
    TooLarge,
    /// The client could not be set up; the text says what is missing on this machine.
    #[error("outbound calls cannot be made on this machine: {0}")]
    Setup(String),
}

impl OutboundError {
    /// The stable word for the ledger.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Blocked => "blocked",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Status(_) => "status",
            Self::MediaType => "media-type",
            Self::Compressed => "compressed",
            Self::TooLarge => "too-large",
            Self::Setup(_) => "setup",
        }
    }
}
