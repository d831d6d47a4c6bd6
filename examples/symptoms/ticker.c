/* A tick of 10 ms from TIMER1. */
#include "board.h"
#include "nrf51.h"

#define TIMER1_IRQ 9
#define BITS_32 3
#define CLEAR_ON_COMPARE0 (1u << 0)

static volatile uint32_t ticks;

void ticker_start(void)
{
    TIMER1_BITMODE = BITS_32;
    TIMER1_PRESCALER = 4; /* 1 MHz */
    TIMER1_CC0 = 10000;
    TIMER1_SHORTS = CLEAR_ON_COMPARE0;
    TIMER1_INTENSET = 1u << 17; /* planted: compare 0 is bit 16 */
    NVIC_ISER = 1u << TIMER1_IRQ;
    TIMER1_TASKS_START = 1;
}

void TIMER1_IRQHandler(void)
{
    TIMER1_EVENTS_COMPARE0 = 0;
    ticks++;
}

uint32_t ticker_now(void)
{
    return ticks;
}
