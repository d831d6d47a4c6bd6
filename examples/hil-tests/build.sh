#!/bin/sh
# Builds hil-tests.elf and hil-tests-stm32f405.elf with Debian's rustc-web, cargo-web and rust-web-src 1.96 (bookworm-security),
# which always match each other, for a target that has no built standard library:
#   apt-get install rustc-web cargo-web rust-web-src gcc-arm-none-eabi
# RUSTC and CARGO may name theirs where they are unpacked elsewhere.
set -eu
cd "$(dirname "$0")"
out=${1:-.}
target=$(mktemp -d)
trap 'rm -rf "$target"' EXIT
sysroot=$("${RUSTC:-rustc}" --print sysroot)
cargo_home=${CARGO_HOME:-$HOME/.cargo}
library=$(readlink -f "$sysroot/lib/rustlib/src/rust")

# build BOARD ELF: for the memories of a board.
build() {
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags -C link-arg=-L$PWD/$1" DEFMT_LOG=debug CARGO_TARGET_DIR="$target" \
        "${CARGO:-cargo}" build --release --locked --target thumbv6m-none-eabi -Z build-std=core,panic_abort
    cp "$target/thumbv6m-none-eabi/release/hil-tests" "$out/$2"
}

flags="-C linker=arm-none-eabi-ld -C linker-flavor=ld"
flags="$flags -C link-arg=-Tlink.x -C link-arg=-Tdefmt.x -C link-arg=-Tembedded-test.x"
flags="$flags --remap-path-prefix=$PWD=. --remap-path-prefix=$cargo_home=/cargo"
for sources in "$cargo_home"/registry/src/*; do
    flags="$flags --remap-path-prefix=$sources=/cargo"
done
flags="$flags --remap-path-prefix=$library=/rust --remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rust"
build microbit hil-tests.elf
build stm32f405 hil-tests-stm32f405.elf
