// Names, scopes and inlined methods as C++ has them.
#include "chip.h"

namespace board {

class Uart {
public:
    explicit Uart(USART *usart) : usart_(usart) {}
    void set_divisor(uint32_t divisor) { usart_->BRR = divisor; }
    __attribute__((noinline)) void write(uint8_t byte);
    static int opened;

private:
    USART *usart_;
};

int Uart::opened;
Uart console(USART2);

void Uart::write(uint8_t byte)
{
    usart_->DR = byte;
}

template <typename T> __attribute__((noinline)) T larger(T a, T b)
{
    return a > b ? a : b;
}

} // namespace board

extern "C" void start()
{
    static int calls;
    board::Uart uart(USART1);
    uart.set_divisor(0x683);
    uart.write(static_cast<uint8_t>(board::larger(calls++, board::Uart::opened)));
}
