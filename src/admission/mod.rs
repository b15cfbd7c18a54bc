//! What does Kubernetes hand us, and what does it take back?

mod patch;
mod request;
mod response;
mod workload;

pub use patch::{Pin, patched};
pub use request::{Operation, Request, RequestError};
pub use response::{Level, Response, respond, respond_unread};
pub use workload::{List, ObjectError, Place, Slot, SlotError, Workload};
