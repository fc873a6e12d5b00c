"""Goods that a shop might have: shelves of brands and things, put together by chance, repeatably."""

import random
from collections.abc import Iterator
from typing import NamedTuple


class Shelf(NamedTuple):
    """`prices` in dong, from the cheapest thing to the dearest."""

    name: str
    description: str
    prices: tuple[int, int]
    brands: tuple[str, ...]
    things: tuple[str, ...]
    kinds: tuple[str, ...]


class Goods(NamedTuple):
    shelf: int
    name: str
    description: str
    brand_name: str
    price: int
    inventory: int


SHELVES = (
    Shelf(
        "Trà và cà phê",
        "Tea and coffee from Vietnamese hills.",
        (45_000, 950_000),
        ("Phúc Long", "Highlands", "Trung Nguyên", "Cầu Đất Farm", "Hoàng Trà", "Mê Trang"),
        ("Trà ô long", "Trà sen", "Trà lài", "Trà Shan tuyết", "Cà phê Robusta", "Cà phê Arabica"),
        ("100 g", "250 g", "500 g", "túi lọc", "hộp quà", "rang đậm", "rang vừa"),
    ),
    Shelf(
        "Áo dài và lụa",
        "Silk and dresses, woven and sewn by hand.",
        (350_000, 8_500_000),
        ("Lụa Vạn Phúc", "Khaisilk", "Nhã Phương", "Tơ Bảo Lộc", "Thái Tuấn"),
        ("Áo dài lụa", "Áo dài gấm", "Khăn lụa", "Áo bà ba", "Váy đũi", "Túi lụa thêu"),
        ("đỏ", "xanh ngọc", "tím than", "trắng", "hoa sen", "cỡ S", "cỡ M", "cỡ L"),
    ),
    Shelf(
        "Kitchen",
        "What one cooks with.",
        (60_000, 6_000_000),
        ("Happycook", "Sunhouse", "Elmich", "Tefal", "Lock&Lock", "Minh Long"),
        ("Frying pan", "Saucepan", "Rice cooker", "Wok", "Chef's knife", "Kettle", "Soup bowl"),
        ("20 cm", "24 cm", "28 cm", "non-stick", "stainless steel", "cast iron", "set of 2", "bamboo"),
    ),
    Shelf(
        "Phones and tablets",
        "Phones, tablets, and what belongs to them.",
        (90_000, 42_000_000),
        ("Samsung", "Xiaomi", "Oppo", "Vsmart", "Nokia", "Anker"),
        ("Smartphone", "Tablet", "Charger", "USB-C cable", "Power bank", "Phone case", "Screen protector"),
        ("64 GB", "128 GB", "256 GB", "black", "silver", "20 W", "65 W", "5G"),
    ),
    Shelf(
        "Computers",
        "Notebooks, screens, keyboards.",
        (150_000, 65_000_000),
        ("Asus", "Lenovo", "Dell", "Logitech", "Gigabyte", "Acer"),
        ("Notebook", "Monitor", "Mechanical keyboard", "Mouse", "Webcam", "SSD", "Docking station"),
        ("14 inch", "27 inch", "16 GB", "1 TB", "wireless", "RGB", "4K", "quiet"),
    ),
    Shelf(
        "Sách",
        "Sách tiếng Việt và tiếng Anh.",
        (35_000, 690_000),
        ("NXB Trẻ", "Kim Đồng", "Nhã Nam", "Alpha Books", "Penguin"),
        ("Truyện ngắn", "Tiểu thuyết", "Sách nấu ăn", "Từ điển Anh-Việt", "Lịch sử Việt Nam", "Picture book"),
        ("bìa cứng", "bìa mềm", "tập 1", "tập 2", "tái bản", "có minh họa"),
    ),
    Shelf(
        "Furniture",
        "Tables, chairs, shelves and lamps.",
        (250_000, 38_000_000),
        ("Nội thất Hòa Phát", "JYSK", "Moho", "AA", "Beyours"),
        ("Desk", "Dining table", "Chair", "Bookshelf", "Desk lamp", "Sofa", "Tủ quần áo", "Giường gỗ"),
        ("oak", "walnut", "rubberwood", "white", "foldable", "for children", "160 cm"),
    ),
    Shelf(
        "Thể thao",
        "Sport and travel.",
        (55_000, 12_000_000),
        ("Decathlon", "Biti's Hunter", "Động Lực", "Yonex", "Thống Nhất"),
        ("Giày chạy bộ", "Vợt cầu lông", "Bóng đá", "Xe đạp", "Backpack", "Tent", "Yoga mat", "Water bottle"),
        ("size 39", "size 42", "40 l", "nhẹ", "chống nước", "carbon", "for two"),
    ),
    Shelf(
        "Mỹ phẩm",
        "For skin and hair.",
        (40_000, 2_400_000),
        ("Cocoon", "Thorakao", "Laneige", "Innisfree", "Sao Thái Dương"),
        ("Dầu gội bưởi", "Kem chống nắng", "Sữa rửa mặt", "Son dưỡng", "Nước hoa", "Shampoo", "Sunscreen"),
        ("50 ml", "100 ml", "300 ml", "SPF 50", "hữu cơ", "cho da khô", "for men"),
    ),
    Shelf(
        "Đồ chơi",
        "Toys, games and models.",
        (30_000, 3_900_000),
        ("Lego", "Antona", "Polesie", "Toy World", "VinToys"),
        ("Xếp hình", "Búp bê", "Xe điều khiển", "Board game", "Puzzle", "Kite", "Wooden train"),
        ("500 pieces", "1000 pieces", "3+", "6+", "gỗ", "pin sạc", "limited edition"),
    ),
    Shelf(
        "Thực phẩm khô",
        "Noodles, spices, sweets.",
        (12_000, 780_000),
        ("Vinamit", "Chin-su", "Acecook", "Hảo Hảo", "Bibica", "Phú Quốc"),
        ("Nước mắm", "Bún gạo", "Hạt điều", "Mít sấy", "Bánh đậu xanh", "Tiêu đen", "Kẹo dừa"),
        ("200 g", "500 g", "1 kg", "cay", "ít đường", "thùng 30", "gift box"),
    ),
    Shelf(
        "Gốm Bát Tràng",
        "Ceramics from Bát Tràng.",
        (25_000, 15_000_000),
        ("Bát Tràng", "Chu Đậu", "Minh Long", "Gốm Phù Lãng"),
        ("Bình hoa", "Ấm trà", "Chén trà", "Đĩa", "Tượng", "Vase", "Teapot", "Bowl"),
        ("men rạn", "men ngọc", "vẽ sen", "vẽ tay", "cao 30 cm", "bộ 6", "blue and white"),
    ),
)  # fmt: skip
PRAISE = (
    "Made to last, and easy to repair.",
    "Hàng chính hãng, bảo hành 12 tháng.",
    "Chosen by our own buyers, and packed without plastic.",
    "Giao hàng trong 24 giờ tại Hà Nội và Thành phố Hồ Chí Minh.",
    "A present that one likes to keep.",
    "Sản phẩm thủ công: mỗi chiếc một khác.",
    "Our best seller of last year.",
    "Thích hợp làm quà biếu.",
    "Thirty days to send it back.",
)
SOLD_OUT = 0.05


def invent(count: int, seed: int) -> Iterator[Goods]:
    """The same goods for the same seed, whatever the count: more are the same ones and then others."""
    draw = random.Random(seed)  # noqa: S311  # to be repeated, not to be unguessable
    for number in range(1, count + 1):
        shelf = draw.randrange(len(SHELVES))
        _, _, (least, most), brands, things, kinds = SHELVES[shelf]
        brand, thing = draw.choice(brands), draw.choice(things)
        first, second = draw.sample(kinds, 2)
        praise = " ".join(draw.sample(PRAISE, 2))
        price = round(least * (most / least) ** draw.random(), -3)
        inventory = 0 if draw.random() < SOLD_OUT else draw.randint(1, 500)
        yield Goods(
            shelf=shelf,
            name=f"{thing} {brand} {first}, {second}",
            description=f"{thing} by {brand}, {first}. {praise} No. {number:06}.",
            brand_name=brand,
            price=int(price),
            inventory=inventory,
        )
