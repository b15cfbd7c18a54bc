//! What does Kubernetes hand us, and what does it take back?

mod approval;
mod break_glass;
mod kind;
mod owner;
mod patch;
mod request;
mod slot;
mod update;
mod workload;

pub use approval::{Approval, Before, Carried, Carrying, Kept, LiveDigest};
pub use break_glass::{ANNOTATION, API_GROUP, BreakGlass, BreakGlassError, BreakGlassRequest, RESOURCE, VERB};
pub use kind::{Kind, Kinds};
pub use owner::{MAX_OWNERS, Owner, OwnerReference};
pub use patch::{Digested, Pin, patched};
pub use request::{Operation, Request, RequestError};
pub use slot::{List, Place, Slot, SlotError, SlotKey, SlotProblem};
pub use update::{brings_nothing_new, is_same_but_metadata};
pub use workload::{ObjectError, Workload};
