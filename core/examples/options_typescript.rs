//! Prints the TypeScript types of the options; `cargo xtask gen-options` writes them to the Node binding.

fn main() {
    print!("{}", faultwire_core::options::typescript());
}
