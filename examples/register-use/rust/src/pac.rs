//! A peripheral access crate in the manner of svd2rust's, for the part of an nRF51822 that the
//! program touches (nRF51 Series Reference Manual v3.0.1: 14 GPIO, 18 TIMER, 29 UART).

#![allow(dead_code)]

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr;

/// A register that changes under its reader.
#[repr(transparent)]
pub struct VolatileCell<T> {
    value: UnsafeCell<T>,
}

impl<T: Copy> VolatileCell<T> {
    #[inline(always)]
    fn get(&self) -> T {
        unsafe { ptr::read_volatile(self.value.get()) }
    }

    #[inline(always)]
    fn set(&self, value: T) {
        unsafe { ptr::write_volatile(self.value.get(), value) }
    }
}

/// What sets a register's type apart from another's.
pub trait Spec {
    const RESET: u32 = 0;
}

#[repr(transparent)]
pub struct Reg<S> {
    register: VolatileCell<u32>,
    _spec: PhantomData<S>,
}

pub struct R(u32);
pub struct W(u32);

impl R {
    #[inline(always)]
    pub fn bits(&self) -> u32 {
        self.0
    }

    #[inline(always)]
    pub fn bit(&self, bit: u32) -> bool {
        self.0 & (1 << bit) != 0
    }
}

impl W {
    #[inline(always)]
    pub fn bits(&mut self, bits: u32) -> &mut Self {
        self.0 = bits;
        self
    }

    #[inline(always)]
    pub fn field(&mut self, lsb: u32, width: u32, value: u32) -> &mut Self {
        let mask = ((1 << width) - 1) << lsb;
        self.0 = (self.0 & !mask) | ((value << lsb) & mask);
        self
    }
}

impl<S: Spec> Reg<S> {
    #[inline(always)]
    pub fn read(&self) -> R {
        R(self.register.get())
    }

    #[inline(always)]
    pub fn write(&self, f: impl FnOnce(&mut W) -> &mut W) {
        self.register.set(f(&mut W(S::RESET)).0);
    }

    #[inline(always)]
    pub fn modify(&self, f: impl for<'w> FnOnce(&R, &'w mut W) -> &'w mut W) {
        let bits = self.register.get();
        self.register.set(f(&R(bits), &mut W(bits)).0);
    }
}

pub struct Plain;
impl Spec for Plain {}

pub mod uart0 {
    use super::{Plain, Reg};

    #[repr(C)]
    pub struct RegisterBlock {
        pub tasks_startrx: Reg<Plain>,
        pub tasks_stoprx: Reg<Plain>,
        pub tasks_starttx: Reg<Plain>,
        pub tasks_stoptx: Reg<Plain>,
        _reserved0: [u8; 0xf8],
        pub events_rxdrdy: Reg<Plain>,
        _reserved1: [u8; 0x10],
        pub events_txdrdy: Reg<Plain>,
        _reserved2: [u8; 0x1e4],
        pub intenset: Reg<Plain>,
        pub intenclr: Reg<Plain>,
        _reserved3: [u8; 0x1f4],
        pub enable: Reg<Plain>,
        _reserved4: [u8; 8],
        pub pseltxd: Reg<Plain>,
        _reserved5: [u8; 4],
        pub pselrxd: Reg<Plain>,
        pub rxd: Reg<Plain>,
        pub txd: Reg<Plain>,
        _reserved6: [u8; 4],
        pub baudrate: Reg<Plain>,
        _reserved7: [u8; 0x44],
        pub config: Reg<Plain>,
    }
}

pub mod timer0 {
    use super::{Plain, Reg};

    #[repr(C)]
    pub struct RegisterBlock {
        pub tasks_start: Reg<Plain>,
        pub tasks_stop: Reg<Plain>,
        pub tasks_count: Reg<Plain>,
        pub tasks_clear: Reg<Plain>,
        _reserved0: [u8; 0x30],
        pub tasks_capture: [Reg<Plain>; 4],
        _reserved1: [u8; 0xf0],
        pub events_compare: [Reg<Plain>; 4],
        _reserved2: [u8; 0xb0],
        pub shorts: Reg<Plain>,
        _reserved3: [u8; 0x100],
        pub intenset: Reg<Plain>,
        pub intenclr: Reg<Plain>,
        _reserved4: [u8; 0x1f8],
        pub mode: Reg<Plain>,
        pub bitmode: Reg<Plain>,
        _reserved5: [u8; 4],
        pub prescaler: Reg<Plain>,
        _reserved6: [u8; 0x2c],
        pub cc: [Reg<Plain>; 4],
    }
}

pub mod gpio {
    use super::{Plain, Reg};

    #[repr(C)]
    pub struct RegisterBlock {
        _reserved0: [u8; 0x504],
        pub out: Reg<Plain>,
        pub outset: Reg<Plain>,
        pub outclr: Reg<Plain>,
        pub in_: Reg<Plain>,
        pub dir: Reg<Plain>,
        pub dirset: Reg<Plain>,
        pub dirclr: Reg<Plain>,
        _reserved1: [u8; 0x1e0],
        pub pin_cnf: [Reg<Plain>; 32],
    }
}

macro_rules! peripheral {
    ($name:ident, $block:ty, $address:literal) => {
        pub struct $name {
            _marker: PhantomData<*const ()>,
        }

        impl $name {
            pub const PTR: *const $block = $address as *const $block;

            #[inline(always)]
            pub const fn ptr() -> *const $block {
                Self::PTR
            }

            /// # Safety
            /// There must be no other owner.
            pub const unsafe fn steal() -> Self {
                Self { _marker: PhantomData }
            }
        }

        impl Deref for $name {
            type Target = $block;

            #[inline(always)]
            fn deref(&self) -> &Self::Target {
                unsafe { &*Self::PTR }
            }
        }
    };
}

peripheral!(UART0, uart0::RegisterBlock, 0x4000_2000);
peripheral!(TIMER0, timer0::RegisterBlock, 0x4000_8000);
peripheral!(TIMER1, timer0::RegisterBlock, 0x4000_9000);
peripheral!(TIMER2, timer0::RegisterBlock, 0x4000_a000);
peripheral!(GPIO, gpio::RegisterBlock, 0x5000_0000);
