/* Shows the temperature, or the battery's voltage while the button is held. */
#include "board.h"

int main(void)
{
    clock_start();
    ticker_start();
    button_init();
    sensor_init();
    display_init();
    battery_init();
    guard_start();
    for (uint32_t shown = 0;;) {
        if (ticker_now() == shown)
            continue;
        shown = ticker_now();
        display_put((uint8_t)(button_pressed() ? battery_millivolts() / 100 : (uint32_t)sensor_read()));
        guard_feed();
    }
}
