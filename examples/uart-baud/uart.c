/* UART0 on the micro:bit's USB serial pins, polled.
 *
 * BAUDRATE does not take a number of baud. It takes the chip's own encoding,
 * about baud * 2^32 / 16 MHz (nRF51 Series Reference Manual v3.0.1, 29.10.9);
 * for 115200 baud that is 0x01D7E000. The faulty build writes 115200 as it
 * stands, which a real part turns into 115200 * 16 MHz / 2^32, about 429 baud.
 */
#include "uart.h"
#include "nrf51.h"

#define PIN_TXD 24
#define PIN_RXD 25
#define UART_ENABLED 4
#define BAUDRATE_BAUD115200 0x01D7E000

void uart_init(void)
{
    NRF_GPIO->OUTSET = 1u << PIN_TXD; /* idle level before the pin is driven */
    NRF_GPIO->DIRSET = 1u << PIN_TXD;
    NRF_UART0->PSELTXD = PIN_TXD;
    NRF_UART0->PSELRXD = PIN_RXD;

    /* ENABLE comes before BAUDRATE: the chip takes either order, QEMU's model
     * of this UART drops every write while it is disabled. */
    NRF_UART0->ENABLE = UART_ENABLED;
#ifdef BAUD_FIXED
    NRF_UART0->BAUDRATE = BAUDRATE_BAUD115200;
#else
    NRF_UART0->BAUDRATE = 115200;
#endif
    NRF_UART0->CONFIG = 0; /* no parity, no flow control */
    NRF_UART0->TASKS_STARTTX = 1;
}

static void uart_put(char c)
{
    NRF_UART0->EVENTS_TXDRDY = 0;
    NRF_UART0->TXD = (uint8_t)c;
    while (NRF_UART0->EVENTS_TXDRDY == 0) {
    }
}

void uart_write(const char *text)
{
    while (*text != '\0') {
        uart_put(*text++);
    }
}

void uart_write_hex(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        uart_put("0123456789abcdef"[(value >> shift) & 0xf]);
    }
}
