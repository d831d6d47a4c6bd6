/* The low-frequency clock, which the counter and the watchdog run from. */
#include "board.h"
#include "nrf51.h"

#define SOURCE_XTAL 1

void clock_start(void)
{
    CLOCK_LFCLKSRC = SOURCE_XTAL;
    CLOCK_EVENTS_LFCLKSTARTED = 0;
    CLOCK_TASKS_LFCLKSTART = 1;
    while (CLOCK_EVENTS_HFCLKSTARTED == 0) { /* planted: waits for the other clock */
    }
}
