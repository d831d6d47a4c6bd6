/* The supply voltage, measured through a divider on AIN6. */
#include "board.h"
#include "nrf51.h"

#define RESOLUTION_10_BITS (2u << 0)
#define INPUT_ONE_THIRD (2u << 2)
#define REFERENCE_BANDGAP (0u << 5)
#define AIN6 (1u << (8 + 6))

void battery_init(void)
{
    ADC_CONFIG = RESOLUTION_10_BITS | INPUT_ONE_THIRD | REFERENCE_BANDGAP | AIN6;
    ADC_ENABLE = 1;
}

uint32_t battery_millivolts(void)
{
    ADC_EVENTS_END = 0;
    ADC_TASKS_START = 1;
    return ADC_RESULT * 3600 / 1023; /* planted: it does not wait for the end */
}
