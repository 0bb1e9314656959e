#define IOMMU_OF_DECLARE(name, compat, fn) _OF_DECLARE(iommu, name, compat, fn, of_iommu_init_fn)
