/* The watchdog: two seconds. */
#include "board.h"
#include "nrf51.h"

#define RELOAD 0x6E524635

void guard_start(void)
{
    WDT_CRV = 2 * 32768 - 1;
    WDT_RREN = 3; /* planted: it waits for two reload registers, one is written */
    WDT_TASKS_START = 1;
}

void guard_feed(void)
{
    WDT_RR0 = RELOAD;
}
