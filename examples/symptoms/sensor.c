/* A thermometer on the I2C bus. */
#include "board.h"
#include "nrf51.h"

#define PIN_SCL 7
#define PIN_SDA 30
#define THERMOMETER 0x48
#define K100 0x01980000
#define TWI_ENABLED 5
#define UART_ENABLED 4

void sensor_init(void)
{
    TWI0_PSELSCL = PIN_SCL;
    TWI0_PSELSDA = PIN_SDA;
    TWI0_FREQUENCY = K100;
    TWI0_ADDRESS = THERMOMETER;
    TWI0_ENABLE = UART_ENABLED; /* planted: it takes 5 */
}

int sensor_read(void)
{
    TWI0_EVENTS_RXDREADY = 0;
    TWI0_EVENTS_ERROR = 0;
    TWI0_TASKS_STARTRX = 1;
    while (TWI0_EVENTS_RXDREADY == 0) {
        if (TWI0_EVENTS_ERROR != 0)
            return -1;
    }
    TWI0_TASKS_STOP = 1;
    return (int)(uint8_t)TWI0_RXD;
}
