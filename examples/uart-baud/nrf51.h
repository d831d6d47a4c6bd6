/* The few nRF51822 registers this example uses.
 *
 * Source: nRF51 Series Reference Manual v3.0.1, chapters 13 (GPIO), 18 (TIMER) and 29 (UART);
 * offsets checked against nrf51.svd beside this file.
 */
#pragma once
#include <stdint.h>

#define REG volatile uint32_t

typedef struct {
    REG TASKS_STARTRX, TASKS_STOPRX, TASKS_STARTTX, TASKS_STOPTX; /* 0x000 */
    uint32_t reserved0[67];
    REG EVENTS_TXDRDY; /* 0x11C */
    uint32_t reserved1[248];
    REG ENABLE; /* 0x500 */
    uint32_t reserved2;
    REG PSELRTS, PSELTXD, PSELCTS, PSELRXD; /* 0x508 */
    REG RXD, TXD;                           /* 0x518 */
    uint32_t reserved3;
    REG BAUDRATE; /* 0x524 */
    uint32_t reserved4[17];
    REG CONFIG; /* 0x56C */
} uart_regs;

typedef struct {
    REG TASKS_START, TASKS_STOP, TASKS_COUNT, TASKS_CLEAR; /* 0x000 */
    uint32_t reserved0[76];
    REG EVENTS_COMPARE[4]; /* 0x140 */
    uint32_t reserved1[44];
    REG SHORTS; /* 0x200 */
    uint32_t reserved2[64];
    REG INTENSET; /* 0x304 */
    uint32_t reserved3[127];
    REG MODE, BITMODE; /* 0x504 */
    uint32_t reserved4;
    REG PRESCALER; /* 0x510 */
    uint32_t reserved5[11];
    REG CC[4]; /* 0x540 */
} timer_regs;

typedef struct {
    uint32_t reserved0[321];
    REG OUT, OUTSET, OUTCLR, IN, DIR, DIRSET, DIRCLR; /* 0x504 */
} gpio_regs;

#define NRF_UART0 ((uart_regs *)0x40002000)
#define NRF_TIMER0 ((timer_regs *)0x40008000)
#define NRF_GPIO ((gpio_regs *)0x50000000)

/* ARMv6-M ARM, DDI 0419E, B3.4.3: interrupt set-enable register. */
#define NVIC_ISER (*(REG *)0xE000E100)

#define TIMER0_IRQ 8

_Static_assert(__builtin_offsetof(uart_regs, EVENTS_TXDRDY) == 0x11C, "TXDRDY");
_Static_assert(__builtin_offsetof(uart_regs, ENABLE) == 0x500, "ENABLE");
_Static_assert(__builtin_offsetof(uart_regs, BAUDRATE) == 0x524, "BAUDRATE");
_Static_assert(__builtin_offsetof(uart_regs, CONFIG) == 0x56C, "CONFIG");
_Static_assert(__builtin_offsetof(timer_regs, EVENTS_COMPARE) == 0x140, "COMPARE");
_Static_assert(__builtin_offsetof(timer_regs, INTENSET) == 0x304, "INTENSET");
_Static_assert(__builtin_offsetof(timer_regs, PRESCALER) == 0x510, "PRESCALER");
_Static_assert(__builtin_offsetof(timer_regs, CC) == 0x540, "CC");
_Static_assert(__builtin_offsetof(gpio_regs, DIRSET) == 0x518, "DIRSET");
