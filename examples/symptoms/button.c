/* A button that pulls its pin to ground. */
#include "board.h"
#include "nrf51.h"

#define PIN_BUTTON 17
#define PULL_UP (3u << 2)
#define INPUT_DISCONNECT (1u << 1)

void button_init(void)
{
    GPIO_PIN_CNF(PIN_BUTTON) = PULL_UP | INPUT_DISCONNECT; /* planted: no input buffer */
}

int button_pressed(void)
{
    return (GPIO_IN & (1u << PIN_BUTTON)) == 0;
}
