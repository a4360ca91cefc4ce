// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface IPool {
    function token0() external view returns (address);
    function token1() external view returns (address);
    function mint(address recipient, int24 tickLower, int24 tickUpper, uint128 amount, bytes calldata data)
        external
        returns (uint256 amount0, uint256 amount1);
}

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
}

/// Holds positions in Uniswap V3 pools, paid from its own tokens. NonfungiblePositionManager would need twice the
/// storage for them, and anvil's time to mine a block grows with all of it. For the local chain only.
contract LiquidityProvider {
    struct Position {
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
    }

    address private immutable owner = msg.sender;

    function provide(IPool pool, Position[] calldata positions) external {
        require(msg.sender == owner, "LiquidityProvider: not the owner");
        bytes memory tokens = abi.encode(pool.token0(), pool.token1());
        for (uint256 i = 0; i < positions.length; ++i) {
            Position calldata position = positions[i];
            pool.mint(address(this), position.tickLower, position.tickUpper, position.liquidity, tokens);
        }
    }

    /// What a pool calls while it mints. Only the owner's transactions get here: a pool mints for whoever calls it,
    /// and nothing here but provide() does.
    function uniswapV3MintCallback(uint256 amount0, uint256 amount1, bytes calldata tokens) external {
        require(tx.origin == owner, "LiquidityProvider: not the owner");
        (IToken token0, IToken token1) = abi.decode(tokens, (IToken, IToken));
        if (amount0 > 0) token0.transfer(msg.sender, amount0);
        if (amount1 > 0) token1.transfer(msg.sender, amount1);
    }
}
