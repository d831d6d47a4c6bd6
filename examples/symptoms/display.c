/* A display that takes bytes over SPI in mode 0: clock low when idle, bits taken at its first edge. */
#include "board.h"
#include "nrf51.h"

#define PIN_SCK 23
#define PIN_MOSI 21
#define M1 0x10000000
#define SPI_ENABLED 1
#define CPHA_TRAILING (1u << 1)

void display_init(void)
{
    SPI1_PSELSCK = PIN_SCK;
    SPI1_PSELMOSI = PIN_MOSI;
    SPI1_FREQUENCY = M1;
    SPI1_CONFIG = CPHA_TRAILING; /* planted: the display takes bits at the leading edge */
    SPI1_ENABLE = SPI_ENABLED;
}

void display_put(uint8_t byte)
{
    SPI1_EVENTS_READY = 0;
    SPI1_TXD = byte;
    while (SPI1_EVENTS_READY == 0) {
    }
    (void)SPI1_RXD;
}
