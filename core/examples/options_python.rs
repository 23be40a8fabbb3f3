//! Prints the Python types of the options; `cargo xtask gen-options` writes them to the Python binding.

fn main() {
    print!("{}", faultwire_core::options::python());
}
