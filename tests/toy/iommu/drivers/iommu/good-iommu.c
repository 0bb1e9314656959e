/* A driver with nothing to find: the tests spoil it, a line at a time. */
static int good_find(struct device *dev)
{
	return -ENODEV;
}

static int good_add_device(struct device *dev)
{
	int ret;

	if (!dev->iommu_fwspec)
		return -ENODEV;
	ret = good_find(dev);
	if (ret)
		return ret;
	return 0;
}

static const struct iommu_ops good_ops = {
	.add_device = good_add_device,
	.of_xlate = good_of_xlate,
};

static void good_bus_init(void)
{
	if (!iommu_present(&platform_bus_type))
		bus_set_iommu(&platform_bus_type, &good_ops);
}

static int good_probe(struct platform_device *pdev)
{
	struct good *good = devm_kzalloc(&pdev->dev, sizeof(*good), GFP_KERNEL);
	int ret;

	if (!good)
		return -EINVAL;
	platform_set_drvdata(pdev, good);
	iommu_device_set_ops(&good->iommu, &good_ops);
	iommu_device_set_fwnode(&good->iommu, &pdev->dev.of_node->fwnode);
	ret = iommu_device_register(&good->iommu);
	if (ret) {
		platform_set_drvdata(pdev, NULL);
		return ret;
	}
	good_bus_init();
	return 0;
}

static struct platform_driver good_driver = {
	.probe = good_probe,
	.driver = {
		.name = "good",
		.of_match_table = of_match_ptr(good_of_ids),
	},
};

static int __init good_init(void)
{
	return platform_driver_register(&good_driver);
}
subsys_initcall(good_init);

IOMMU_OF_DECLARE(good_of, "toy,good-iommu", NULL);
