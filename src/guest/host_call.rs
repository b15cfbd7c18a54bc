//! How is the host called without copying what is too large to be read?
//!
//! waPC tells the length of an answer before it hands the answer over. The crate's own call copies first, and a registry decides how much that is.

#![allow(unsafe_code, reason = "waPC is a set of imported functions")]

use crate::host::HostError;

/// Largest error that is copied, in bytes: [`HostError`] reads no more of one.
const MAX_ERROR: usize = 1 << 20;

/// The reason for which a host call has no answer.
pub(super) enum NoAnswer {
    /// The host's answer is too large to be read.
    Oversized(HostError),
    /// The host answered with this error.
    Error(String),
}

// waPC's protocol, as `wapc_guest` declares it.
#[link(wasm_import_module = "wapc")]
unsafe extern "C" {
    fn __host_call(
        binding: *const u8,
        binding_len: usize,
        namespace: *const u8,
        namespace_len: usize,
        operation: *const u8,
        operation_len: usize,
        payload: *const u8,
        payload_len: usize,
    ) -> usize;
    fn __host_response_len() -> usize;
    fn __host_response(into: *mut u8);
    fn __host_error_len() -> usize;
    fn __host_error(into: *mut u8);
}

/// Calls the host, and copies its answer if that is small enough to be read.
pub(super) fn host_call(binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> Result<Vec<u8>, NoAnswer> {
    // SAFETY: the host reads as many bytes as it is told, from texts that outlive the call.
    let answered = unsafe {
        __host_call(
            binding.as_ptr(),
            binding.len(),
            namespace.as_ptr(),
            namespace.len(),
            operation.as_ptr(),
            operation.len(),
            payload.as_ptr(),
            payload.len(),
        )
    } == 1;
    if answered {
        // SAFETY: it reads nothing and writes nothing.
        let length = unsafe { __host_response_len() };
        HostError::check_length(length).map_err(NoAnswer::Oversized)?;
        // SAFETY: the host writes as many bytes as it has just told.
        Ok(copied(length, |into| unsafe { __host_response(into) }))
    } else {
        // SAFETY: it reads nothing and writes nothing.
        let length = unsafe { __host_error_len() };
        if length > MAX_ERROR {
            return Err(NoAnswer::Error(format!(
                "the host's error has {length} bytes, and at most {MAX_ERROR} are read"
            )));
        }
        // SAFETY: the host writes as many bytes as it has just told.
        let error = copied(length, |into| unsafe { __host_error(into) });
        Err(NoAnswer::Error(String::from_utf8_lossy(&error).into_owned()))
    }
}

/// The bytes that `write` puts into a buffer of this length.
fn copied(length: usize, write: impl FnOnce(*mut u8)) -> Vec<u8> {
    let mut bytes = vec![0; length];
    write(bytes.as_mut_ptr());
    bytes
}
