//! Proves who signed a container image before a cluster runs it.
