/* The part of an nRF51822 that nrf51.c touches, laid out as its reference manual has it
 * (nRF51 Series Reference Manual v3.0.1: 14 GPIO, 18 TIMER, 29 UART, 21 RNG). Names are Nordic's. */
#ifndef NRF51_H
#define NRF51_H
#include <stdint.h>

#define __IO volatile
#define __O volatile

typedef struct {
    __O uint32_t TASKS_STARTRX, TASKS_STOPRX, TASKS_STARTTX, TASKS_STOPTX;
    uint32_t RESERVED0[60];
    __IO uint32_t EVENTS_CTS, EVENTS_NCTS, EVENTS_RXDRDY, RESERVED1[4], EVENTS_TXDRDY, RESERVED2,
        EVENTS_ERROR;
    uint32_t RESERVED3[118];
    __IO uint32_t RESERVED4, INTENSET, INTENCLR;
    uint32_t RESERVED5[93];
    __IO uint32_t ERRORSRC;
    uint32_t RESERVED6[31];
    __IO uint32_t ENABLE, RESERVED7, PSELRTS, PSELTXD, PSELCTS, PSELRXD, RXD, TXD, RESERVED8,
        BAUDRATE;
    uint32_t RESERVED9[17];
    __IO uint32_t CONFIG;
} NRF_UART_Type;

typedef struct {
    uint32_t RESERVED0[321];
    __IO uint32_t OUT, OUTSET, OUTCLR, IN, DIR, DIRSET, DIRCLR;
    uint32_t RESERVED1[120];
    __IO uint32_t PIN_CNF[32];
} NRF_GPIO_Type;

typedef struct {
    __O uint32_t TASKS_START, TASKS_STOP, TASKS_COUNT, TASKS_CLEAR, TASKS_SHUTDOWN;
    uint32_t RESERVED0[11];
    __O uint32_t TASKS_CAPTURE[4];
    uint32_t RESERVED1[60];
    __IO uint32_t EVENTS_COMPARE[4];
    uint32_t RESERVED2[44];
    __IO uint32_t SHORTS;
    uint32_t RESERVED3[64];
    __IO uint32_t INTENSET, INTENCLR;
    uint32_t RESERVED4[126];
    __IO uint32_t MODE, BITMODE, RESERVED5, PRESCALER;
    uint32_t RESERVED6[11];
    __IO uint32_t CC[4];
} NRF_TIMER_Type;

typedef struct {
    __O uint32_t TASKS_START, TASKS_STOP;
    uint32_t RESERVED0[62];
    __IO uint32_t EVENTS_VALRDY;
    uint32_t RESERVED1[257];
    __IO uint32_t VALUE;
} NRF_RNG_Type;

#define NRF_UART0 ((NRF_UART_Type *)0x40002000)
#define NRF_TIMER0 ((NRF_TIMER_Type *)0x40008000)
#define NRF_TIMER1 ((NRF_TIMER_Type *)0x40009000)
#define NRF_TIMER2 ((NRF_TIMER_Type *)0x4000a000)
#define NRF_RNG ((NRF_RNG_Type *)0x4000d000)
#define NRF_GPIO ((NRF_GPIO_Type *)0x50000000)
#define NVIC_ISER (*(__IO uint32_t *)0xe000e100)
#define SYSTICK ((__IO uint32_t *)0xe000e010)

#endif
