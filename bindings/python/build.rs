//! Tells the linker what a Python extension may leave unresolved: the interpreter's own symbols come from the host process.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
