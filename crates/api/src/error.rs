//! The one table between what went wrong, gRPC codes and HTTP statuses; and the stable reason beside a code.

use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The `domain` of every [`google.rpc.ErrorInfo`](https://google.aip.dev/193) that Latchkey sends.
pub const DOMAIN: &str = "latchkey";

/// What went wrong, as far as a caller can act on it. The set is closed; what exactly happened is in the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What the request names isn't there.
    NotFound,
    /// The request can't be right, whatever is stored.
    Invalid,
    /// It is right, but not in the present state: no active key, for instance.
    Precondition,
    /// It clashes with something that exists.
    Conflict,
    /// Nobody has proved who asks.
    Unauthenticated,
    /// Who asks may not.
    Forbidden,
    /// The service, or what it stands on, is away; the same request may succeed later.
    Unavailable,
    /// It took longer than the caller waits.
    Timeout,
    /// Somebody else changed the thing in between: read again, merge again, retry.
    Aborted,
    /// Our own mistake.
    Internal,
}

/// Kind, gRPC code, HTTP status.
const TABLE: [(Kind, Code, StatusCode); 10] = [
    (Kind::NotFound, Code::NotFound, StatusCode::NOT_FOUND),
    (Kind::Invalid, Code::InvalidArgument, StatusCode::BAD_REQUEST),
    (Kind::Precondition, Code::FailedPrecondition, StatusCode::BAD_REQUEST),
    (Kind::Conflict, Code::AlreadyExists, StatusCode::CONFLICT),
    (Kind::Unauthenticated, Code::Unauthenticated, StatusCode::UNAUTHORIZED),
    (Kind::Forbidden, Code::PermissionDenied, StatusCode::FORBIDDEN),
    (Kind::Unavailable, Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
    (Kind::Timeout, Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT),
    (Kind::Aborted, Code::Aborted, StatusCode::CONFLICT),
    (Kind::Internal, Code::Internal, StatusCode::INTERNAL_SERVER_ERROR),
];

impl Kind {
    /// The gRPC code that carries this kind.
    pub fn code(self) -> Code {
        self.row().1
    }

    /// The HTTP status of an answer that fails with this kind.
    pub fn http_status(self) -> StatusCode {
        self.row().2
    }

    /// The kind that a gRPC code carries. Codes that Latchkey doesn't send itself fold into the nearest kind.
    pub fn of_code(code: Code) -> Self {
        if let Some(row) = TABLE.iter().find(|row| row.1 == code) {
            return row.0;
        }
        match code {
            Code::OutOfRange => Self::Invalid,
            Code::ResourceExhausted => Self::Unavailable,
            Code::Cancelled => Self::Timeout,
            _ => Self::Internal,
        }
    }

    /// The kind of a status.
    pub fn of(status: &Status) -> Self {
        Self::of_code(status.code())
    }

    fn row(self) -> &'static (Self, Code, StatusCode) {
        TABLE.iter().find(|row| row.0 == self).expect("every kind stands in the table")
    }
}

/// A status of this kind, with a stable reason such as `CLIENT_NOT_FOUND` in its `google.rpc.ErrorInfo`, and a message for people.
/// The message may reach an administrator: no secret, no SQL, no internal address.
pub fn status(kind: Kind, reason: &str, message: impl Into<String>) -> Status {
    with_reason(kind.code(), reason, message)
}

/// The stable reason of a status; `None` where it carries none.
pub fn reason(status: &Status) -> Option<String> {
    if status.details().is_empty() {
        return None;
    }
    let reason = status.get_details_error_info()?.reason;
    (!reason.is_empty()).then_some(reason)
}

/// A status of any code, with its reason unless that is empty.
pub(crate) fn with_reason(code: Code, reason: &str, message: impl Into<String>) -> Status {
    if reason.is_empty() {
        return Status::new(code, message);
    }
    let details = ErrorDetails::with_error_info(reason, DOMAIN, std::collections::HashMap::new());
    Status::with_error_details(code, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_codes_are_one_to_one() {
        for (kind, code, status) in TABLE {
            assert_eq!((kind.code(), kind.http_status()), (code, status));
            assert_eq!(Kind::of_code(code), kind);
            assert_eq!(TABLE.iter().filter(|row| row.1 == code || row.0 == kind).count(), 1);
        }
    }

    #[test]
    fn every_code_has_a_kind() {
        let kinds = [
            (Code::Unknown, Kind::Internal),
            (Code::ResourceExhausted, Kind::Unavailable),
            (Code::OutOfRange, Kind::Invalid),
        ];
        for (code, kind) in kinds {
            assert_eq!(Kind::of_code(code), kind);
        }
    }

    #[test]
    fn a_reason_travels_with_its_status() {
        let refused = status(Kind::NotFound, "CLIENT_NOT_FOUND", "no such client");
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "no such client"));
        assert_eq!(reason(&refused).as_deref(), Some("CLIENT_NOT_FOUND"));
        assert_eq!(reason(&Status::internal("x")), None);
    }
}
