/* Says that it booted, then counts quarter seconds and sleeps in between. */
#include "nrf51.h"
#include "uart.h"

#define TICK_US 250000

struct heartbeat {
    volatile uint32_t ticks;
    uint32_t reported;
};

struct heartbeat heartbeat;

/* TIMER0 counts microseconds (16 MHz / 2^4) and starts over at CC[0]. */
static void tick_start(void)
{
    NRF_TIMER0->MODE = 0;
    NRF_TIMER0->BITMODE = 3; /* 32 bit */
    NRF_TIMER0->PRESCALER = 4;
    NRF_TIMER0->CC[0] = TICK_US;
    NRF_TIMER0->SHORTS = 1u << 0;    /* COMPARE0 clears the counter */
    NRF_TIMER0->INTENSET = 1u << 16; /* interrupt at COMPARE0 */
    NVIC_ISER = 1u << TIMER0_IRQ;
    NRF_TIMER0->TASKS_START = 1;
}

void TIMER0_IRQHandler(void)
{
    NRF_TIMER0->EVENTS_COMPARE[0] = 0;
    heartbeat.ticks++;
}

int main(void)
{
    uart_init();
    uart_write("uart-baud: boot ok\r\n");
    tick_start();

    for (;;) {
        __asm volatile("wfi");
        if (heartbeat.reported != heartbeat.ticks) {
            heartbeat.reported = heartbeat.ticks;
            uart_write("tick ");
            uart_write_hex(heartbeat.reported);
            uart_write("\r\n");
        }
    }
}
